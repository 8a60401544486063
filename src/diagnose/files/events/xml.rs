use super::super::content::xml_within;
use super::super::limits::EVENT;
use super::{Event, Log};
use crate::finding::Error;
use crate::identifier::{Element, attribute, elements, local_name, own_text};

/// The namespace of an event as XML.
const NAMESPACE: &str = "http://schemas.microsoft.com/win/2004/08/events/event";

const START: &str = "<Event";
const END: &str = "</Event>";

/// Whether a text is events as XML: one, several after each other as `wevtutil` prints them,
/// or in an element `Events` as it and the Event Viewer save them.
pub(in super::super) fn is_events(text: &str) -> bool {
    let mut text = text.trim_start();
    if text.starts_with("<?xml") {
        text = text
            .split_once("?>")
            .map_or("", |(_, rest)| rest)
            .trim_start();
    }
    if let Some(rest) = text.strip_prefix("<Events") {
        return rest.starts_with(['>', '/', ' ', '\t', '\r', '\n']);
    }
    let head = next_event(text).filter(|(before, ..)| before.is_empty());
    head.is_some_and(|(_, event, _)| {
        event
            .split_once('>')
            .is_some_and(|(tag, _)| tag.contains(NAMESPACE))
    })
}

/// Reads them one by one, so that a large log takes no more memory than its largest event,
/// and a damaged event is the only one that is lost.
pub(in super::super) fn read(text: &str) -> Result<Log, Error> {
    let mut log = Log::default();
    let mut rest = text;
    while let Some((_, event, after)) = next_event(rest) {
        log.take(of_text(event))?;
        rest = after;
    }
    if start(rest).is_some() {
        log.take(Err("the last event has no end".to_owned()))?;
    }
    Ok(log)
}

/// One event as XML.
pub(super) fn of_text(text: &str) -> Result<Event, String> {
    let root = xml_within(text, EVENT).map_err(|error| error.to_string())?;
    Ok(of_element(&root))
}

/// What is before the first event, the event, and what is after it.
fn next_event(text: &str) -> Option<(&str, &str, &str)> {
    let (before, from) = text.split_at_checked(start(text)?)?;
    let end = from.find(END)?.saturating_add(END.len());
    let (event, after) = from.split_at_checked(end)?;
    Some((before, event, after))
}

/// Where the next event starts. `<EventID>` and the like are no events.
fn start(text: &str) -> Option<usize> {
    let mut places = text.match_indices(START);
    places.find_map(|(place, found)| {
        let after = text.get(place.saturating_add(found.len())..)?;
        after
            .starts_with(['>', ' ', '\t', '\r', '\n'])
            .then_some(place)
    })
}

fn of_element(root: &Element) -> Event {
    let mut event = Event::default();
    for part in elements(root) {
        match local_name(&part.name) {
            "System" => system(part, &mut event),
            "RenderingInfo" => {
                let message = child(part, "Message").map(own_text);
                event.message = message.filter(|text| !text.trim().is_empty());
            }
            // EventData, UserData and what else a provider writes.
            _ => data(part, &mut event),
        }
    }
    event
}

fn system(part: &Element, event: &mut Event) {
    for field in elements(part) {
        let of = |name| attribute(field, name).unwrap_or_default().to_owned();
        match local_name(&field.name) {
            "Provider" => event.provider = of("Name"),
            "EventID" => event.id = own_text(field).trim().parse().unwrap_or_default(),
            "TimeCreated" => event.time = of("SystemTime"),
            "Computer" => event.computer = own_text(field).trim().to_owned(),
            "Correlation" => {
                let activity = of("ActivityID").to_ascii_lowercase();
                let activity = activity.trim_matches(['{', '}']).to_owned();
                event.activity = Some(activity).filter(|activity| !activity.is_empty());
            }
            _ => {}
        }
    }
}

/// Every text in what a provider wrote, by the name of its element or that it is given.
fn data(part: &Element, event: &mut Event) {
    let mut open: Vec<&Element> = vec![part];
    while let Some(element) = open.pop() {
        let children: Vec<&Element> = elements(element).collect();
        if children.is_empty() {
            let name = attribute(element, "Name").unwrap_or(local_name(&element.name));
            let text = own_text(element);
            if !text.trim().is_empty() {
                event.data.push((name.to_owned(), text.trim().to_owned()));
            }
        }
        open.extend(children.into_iter().rev());
    }
}

fn child<'a>(element: &'a Element, name: &str) -> Option<&'a Element> {
    elements(element).find(|child| local_name(&child.name) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: u32, rest: &str) -> String {
        format!(
            "<Event xmlns='{NAMESPACE}'><System><Provider Name='Microsoft-Windows-HostGuardianService-Attestation'/>\
             <EventID Qualifiers='0'>{id}</EventID><TimeCreated SystemTime='2026-03-01T10:00:00.1Z'/>\
             <Correlation ActivityID='{{AB-1}}'/><Computer>hgs01</Computer></System>{rest}</Event>"
        )
    }

    #[test]
    fn an_event_is_read() {
        let text = event(
            1500,
            "<EventData><Data Name='EkHash'>aa</Data><Data>b</Data></EventData>\
             <RenderingInfo Culture='en-US'><Message>m</Message></RenderingInfo>",
        );
        assert!(is_events(&text));
        let log = read(&text).unwrap();
        let [one] = log.events.as_slice() else {
            panic!("{log:?}")
        };
        assert_eq!((one.id, one.activity.as_deref()), (1500, Some("ab-1")));
        assert_eq!(
            (one.computer.as_str(), one.message.as_deref()),
            ("hgs01", Some("m"))
        );
        let data = [("EkHash", "aa"), ("Data", "b")];
        assert_eq!(one.data, data.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn several_with_and_without_a_root() {
        let two = event(1, "") + "\r\n" + &event(2, "<EventData/>");
        for text in [
            two.clone(),
            format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<Events>{two}</Events>"),
        ] {
            assert!(is_events(&text));
            let ids: Vec<u32> = read(&text)
                .unwrap()
                .events
                .iter()
                .map(|one| one.id)
                .collect();
            assert_eq!(ids, [1, 2]);
        }
        for text in [
            "",
            "<Event/>",
            "<Eventful/>",
            "<EventsX>",
            "<a/>",
            "<Event x='y'></Event>",
        ] {
            assert!(!is_events(text), "{text}");
        }
        assert!(is_events("<Events/>"));
    }

    #[test]
    fn a_damaged_event_is_lost_alone() {
        let text = event(1, "<EventData><b></EventData>") + &event(2, "");
        let log = read(&text).unwrap();
        assert_eq!((log.count, log.broken, log.events.len()), (2, 1, 1));
        let mut text = event(1, "") + &event(2, "");
        text.truncate(text.len() - 3);
        let log = read(&text).unwrap();
        assert_eq!((log.count, log.broken, log.events.len()), (2, 1, 1));
    }

    #[test]
    fn how_many_are_kept_is_bounded() {
        use super::super::super::limits::MAX_KEPT_EVENTS;
        use crate::finding::Code;
        let one = event(1523, "");
        let log = read(&one.repeat(MAX_KEPT_EVENTS)).unwrap();
        assert_eq!(log.events.len(), MAX_KEPT_EVENTS);
        let error = read(&one.repeat(MAX_KEPT_EVENTS + 1)).unwrap_err();
        assert_eq!(error.code, Some(Code::InputTooLarge));
    }

    #[test]
    fn how_many_may_be_broken_is_bounded() {
        use super::super::super::limits::MAX_BROKEN;
        let one = event(1, "<EventData><b></EventData>");
        assert_eq!(read(&one.repeat(MAX_BROKEN)).unwrap().broken, MAX_BROKEN);
        assert!(read(&one.repeat(MAX_BROKEN + 1)).is_err());
    }

    #[test]
    fn how_much_is_kept_is_bounded() {
        use super::super::super::limits::MAX_KEPT_OCTETS;
        let length = 128 * 1024;
        let one = event(
            1523,
            &format!("<EventData><Data>{}</Data></EventData>", "x".repeat(length)),
        );
        let most = MAX_KEPT_OCTETS / length;
        assert_eq!(read(&one.repeat(most)).unwrap().events.len(), most);
        assert!(read(&one.repeat(most + 1)).is_err());
    }

    #[test]
    fn how_large_one_may_be_is_bounded() {
        let with =
            |length: usize| event(1, &format!("<EventData>{}</EventData>", "x".repeat(length)));
        let bare = EVENT.octets - 2_048;
        assert_eq!(read(&with(bare)).unwrap().broken, 0);
        let log = read(&(with(EVENT.octets + 1) + &event(2, ""))).unwrap();
        assert_eq!((log.broken, log.events.len()), (1, 1));
    }
}
