"""A fresh server for every module, and the people who talk to it."""

from pathlib import Path

import pytest

pytest.register_assert_rewrite(
    "support.answer",
    "support.clock",
    "support.driven",
    "support.gate",
    "support.person",
    "support.server",
    "support.tokens",
)

from support.echo import Echo  # noqa: E402
from support.gate import Gate  # noqa: E402
from support.server import Server, binary  # noqa: E402
from support.stage import People, Stage  # noqa: E402

HERE = Path(__file__).parent


def pytest_sessionstart():
    if not binary().is_file():
        pytest.exit(f"{binary()} does not exist; build it: cargo build -p tidegate", returncode=2)


def pytest_collection_modifyitems(items):
    """The test that counts what the others have driven comes last."""
    items.sort(key=lambda item: item.path.name == "test_every_method.py")


@pytest.fixture(scope="session")
def is_whole_suite(request):
    """Are all modules part of this run?"""
    return {item.path for item in request.session.items} == set(HERE.glob("test_*.py"))


@pytest.fixture(scope="session")
def echo():
    """The backend of all APIs."""
    backend = Echo()
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with an empty store."""
    running = Server(tmp_path_factory.mktemp("server"))
    try:
        yield running.start()
        assert running.is_running, f"the server died:\n{running.log_tail()}"
        assert running.stop() == 0, running.log_tail()
        assert running.odd_answers == []
    finally:
        running.kill()


@pytest.fixture(scope="module")
def people(server):
    return People(server)


@pytest.fixture(scope="module")
def clock(server):
    return server.clock


@pytest.fixture(scope="module")
def gate(server, echo):
    return Gate(server, echo)


@pytest.fixture(scope="module")
def stage(people, echo):
    return Stage(people, echo)


@pytest.fixture(autouse=True)
def early_in_an_hour(request):
    """Every story begins early in an hour, so that `clock.hour(n)` means one moment throughout."""
    if "server" in request.fixturenames:
        request.getfixturevalue("clock").begin_quarter_past()


@pytest.fixture
def api(stage, early_in_an_hour):
    """A published API that `reviewer` reviews."""
    return stage.published_api()


@pytest.fixture
def app(stage, early_in_an_hour):
    """An app that belongs to `owner`."""
    return stage.new_app()


def _person(name):
    @pytest.fixture(name=name, scope="module")
    def person(people):
        return people[name]

    return person


reviewer = _person("reviewer")
owner = _person("owner")
developer = _person("developer")
operator = _person("operator")
viewer = _person("viewer")
admin = _person("admin")
neighbour = _person("neighbour")
cousin = _person("cousin")
stranger = _person("stranger")


@pytest.fixture(scope="module")
def second_reviewer(people):
    """Another member of the list of reviewers."""
    return people["王芳"]
