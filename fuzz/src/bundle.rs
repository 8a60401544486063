//! What must hold for any bytes that are read as a bundle. Shared by the fuzz target and by
//! the test that replays its corpus.

use endorse::der::Time;
use endorse::diagnose::bundle::{Bundle, secret_in};
use endorse::diagnose::{Observation, Question, Status, diagnose};

/// What is read is written and read again, no secret gets into it, and what is missing is
/// told.
pub(crate) fn bundle(data: &[u8]) {
    let _ = secret_in(data);
    let Ok(bundle) = Bundle::read(data) else {
        return;
    };
    assert!(Bundle::is_one(data) || data.is_empty());
    let written = bundle.to_bytes().unwrap();
    assert_eq!(Bundle::read(&written).unwrap(), bundle);

    let report = diagnose(&bundle.targets, &Question::new(Time::from_unix(0)));
    if !bundle.left_out().is_empty() {
        assert!(report.status() >= Status::Warn);
    }
    let clean = Bundle::new(bundle.targets, bundle.made_at, bundle.made_by);
    for target in &clean.targets {
        for observation in &target.observations {
            if let Observation::File(file) = observation {
                assert_eq!(secret_in(&file.bytes), None, "{}", file.name);
            }
        }
    }
}
