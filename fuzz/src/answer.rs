//! The bytes of the feed between machines: an answer to a gateway, and a gateway's question.

use tidegate_feed::{Answered, FormatError, Question, Reader, pack};
use tidegate_gateway::Batch;

use crate::Turn;

/// What is read is written as something that is read as the same. Everything else is refused.
pub fn run(data: &[u8], _: Turn) {
    if let Ok(question) = Question::read(data) {
        assert_eq!(Question::read(&question.write()), Ok(question));
    }
    let Ok(answered) = read(data.chunks(7)) else { return };
    let parts: Vec<_> = pack(1, &answered.told, answered.batch.clone())
        .map(|part| part.expect("what came in bounded parts goes in bounded parts"))
        .collect();
    let again = read(parts.iter().map(|part| &part[..])).expect("what is written is read");
    assert_eq!(again.told, answered.told);
    assert_eq!(told(&again.batch), told(&answered.batch), "nothing lost, nothing added");
}

fn read<'a>(mut pieces: impl Iterator<Item = &'a [u8]>) -> Result<Answered, FormatError> {
    let mut reader = Reader::new(1);
    pieces.try_for_each(|piece| reader.push(piece))?;
    reader.finish()
}

/// All of a batch as text.
fn told(batch: &Batch) -> String {
    let apps: Vec<_> = batch
        .apps
        .iter()
        .map(|app| {
            let secret = app.secret.as_ref().map(|secret| secret.expose().to_owned());
            (&app.id, &app.domain, &app.project, app.kind, &app.key, secret)
        })
        .collect();
    format!(
        "{:?}",
        (
            (&batch.epoch, batch.head, apps, &batch.apps_deleted, &batch.apis, &batch.apis_deleted),
            (&batch.publications, &batch.standings, &batch.tokens),
        )
    )
}
