//! Every state a standing can be in, reached the way the world reaches it.

use tidegate_domain::standing::Choice;
use tidegate_domain::{Application, Notice, Timestamp};

use crate::cast::day;
use crate::world::World;

pub struct State {
    pub name: &'static str,
    pub world: World,
    /// The moment at which time alone changes something.
    pub end: Timestamp,
}

impl State {
    /// The application a verdict would be about.
    pub fn application(&self) -> Option<Application> {
        self.world.applications.last().cloned()
    }

    /// The notices an answer would be about.
    pub fn notices(&self) -> Vec<Notice> {
        self.world.notices.clone()
    }
}

/// All states. Unless a name says otherwise, grants began on day 0 and are good until day 30.
pub fn all() -> Vec<State> {
    let mut states = plain();
    states.extend(noticed());
    states.extend(stopping());
    states.extend(unpublishing());
    states
}

fn state(name: &'static str, end: i64, world: World) -> State {
    State { name, world, end: day(end) }
}

fn granted(steps: impl FnOnce(&mut World)) -> World {
    let mut world = World::granted(day(30));
    steps(&mut world);
    world
}

fn plain() -> Vec<State> {
    vec![
        state("nothing", 30, World::new()),
        state("nothing; never published", 30, World::unpublished()),
        state("applied until day 30", 30, World::applied(day(30))),
        state("application rejected", 30, {
            let mut world = World::applied(day(30));
            world.verdict(false, day(1)).unwrap();
            world
        }),
        state("application withdrawn", 30, {
            let mut world = World::applied(day(30));
            world.withdraw(day(1)).unwrap();
            world
        }),
        state("applied until day 30; API stopped", 30, {
            let mut world = World::applied(day(30));
            world.others = 0;
            world.stop(day(5), day(1));
            world
        }),
        state("granted", 30, World::granted(day(30))),
        state("granted on application", 30, {
            let mut world = World::applied(day(30));
            world.verdict(true, day(1)).unwrap();
            world
        }),
        state("granted; renewal to day 60 waits", 30, {
            granted(|w| _ = w.renew(day(60), day(1)).unwrap())
        }),
        state("given back", 30, granted(|w| _ = w.give_back(day(2)).unwrap())),
        state("grant over since day 2; applied again until day 30", 30, {
            let mut world = World::granted(day(2));
            world.apply(day(30), day(2)).unwrap();
            world
        }),
    ]
}

fn noticed() -> Vec<State> {
    vec![
        state("cancel announced for day 10", 10, {
            granted(|w| _ = w.cancel(day(10), day(1)).unwrap())
        }),
        state("cancel announced for day 10, brought forward to day 5", 5, {
            granted(|w| {
                w.cancel(day(10), day(1)).unwrap();
                w.confirm(Choice::At(Some(day(5))), day(2)).unwrap();
            })
        }),
        state("cancel announced for day 40, after the grant's end", 30, {
            granted(|w| _ = w.cancel(day(40), day(1)).unwrap())
        }),
        state("cancel announced for day 10, confirmed at once", 10, {
            granted(|w| {
                w.cancel(day(10), day(1)).unwrap();
                w.confirm(Choice::Now, day(2)).unwrap();
            })
        }),
        state("cancel announced for day 10, withdrawn", 30, {
            granted(|w| {
                w.cancel(day(10), day(1)).unwrap();
                w.withdraw_notice(day(2)).unwrap();
            })
        }),
        state("cancel announced for day 10; API stopped", 10, {
            granted(|w| {
                w.others = 0;
                w.cancel(day(10), day(0)).unwrap();
                w.stop(day(4), day(1));
                w.tick(day(4));
            })
        }),
    ]
}

fn stopping() -> Vec<State> {
    vec![
        state("stop announced for day 10", 10, granted(|w| w.stop(day(10), day(1)))),
        state("stop announced for day 10, scheduled for day 5", 5, {
            granted(|w| {
                w.stop(day(10), day(1));
                w.confirm(Choice::At(Some(day(5))), day(2)).unwrap();
            })
        }),
        state("stop announced for day 10, confirmed at once: paused", 10, {
            granted(|w| {
                w.stop(day(10), day(1));
                w.confirm(Choice::Now, day(2)).unwrap();
            })
        }),
        state("stop announced for day 10; renewal to day 60 waits", 10, {
            granted(|w| {
                w.renew(day(60), day(0)).unwrap();
                w.stop(day(10), day(1));
            })
        }),
        state("stop announced for day 10; cancel announced for day 14", 10, {
            granted(|w| {
                w.stop(day(10), day(1));
                w.cancel(day(14), day(1)).unwrap();
            })
        }),
        state("stop announced for day 40, after the grant's end", 30, {
            granted(|w| w.stop(day(40), day(1)))
        }),
        state("stopped on day 3", 30, {
            granted(|w| {
                w.stop(day(3), day(1));
                w.tick(day(3));
            })
        }),
        state("paused, stopped and recovered", 30, {
            granted(|w| {
                w.stop(day(3), day(0));
                w.confirm(Choice::Now, day(1)).unwrap();
                w.tick(day(3));
                w.recover(day(3));
            })
        }),
    ]
}

fn unpublishing() -> Vec<State> {
    vec![
        state("unpublish announced for day 10", 10, granted(|w| w.unpublish(day(10), day(1)))),
        state("unpublish announced for day 10, scheduled for day 5", 5, {
            granted(|w| {
                w.unpublish(day(10), day(1));
                w.confirm(Choice::At(Some(day(5))), day(2)).unwrap();
            })
        }),
        state("unpublish announced for day 10, confirmed at once: paused", 10, {
            granted(|w| {
                w.unpublish(day(10), day(1));
                w.confirm(Choice::Now, day(2)).unwrap();
            })
        }),
        state("unpublish announced for day 10; renewal to day 60 waits", 10, {
            granted(|w| {
                w.renew(day(60), day(0)).unwrap();
                w.unpublish(day(10), day(1));
            })
        }),
        state("unpublish announced for day 10; cancel announced for day 14", 10, {
            granted(|w| {
                w.unpublish(day(10), day(1));
                w.cancel(day(14), day(1)).unwrap();
            })
        }),
        state("unpublished on day 3", 30, {
            granted(|w| {
                w.unpublish(day(3), day(1));
                w.tick(day(3));
            })
        }),
        state("unpublished on day 3, published again", 30, {
            granted(|w| {
                w.unpublish(day(3), day(0));
                w.publish(day(3));
            })
        }),
    ]
}
