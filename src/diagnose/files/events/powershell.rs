use super::super::object::{Object, Value, objects};
use super::{Event, Log};
use crate::finding::Error;

/// Reads the events among the objects of an export: `Get-WinEvent … | Export-Clixml`, and
/// `Get-EventLog` likewise. `None` if there are none.
pub(in super::super) fn read(values: &[Value]) -> Result<Option<Log>, Error> {
    let mut log = Log::default();
    for object in objects(values) {
        let is_event = object.is("EventLogRecord") || object.is("EventLogEntry");
        if is_event || has_members(object) {
            log.take(Ok(event(object)))?;
        }
    }
    Ok((log.count > 0).then_some(log))
}

/// Whether an object without the name of its type is an event.
fn has_members(object: &Object) -> bool {
    let id = object.member("Id").or(object.member("EventID"));
    let provider = object.member("ProviderName").or(object.member("Source"));
    id.is_some() && provider.is_some() && object.member("Message").is_some()
}

fn event(object: &Object) -> Event {
    let text = |names: &[&str]| names.iter().find_map(|name| object.text(name));
    let id = text(&["Id", "EventID"]).and_then(|id| id.parse().ok());
    let activity = text(&["ActivityId"]).map(|id| id.trim_matches(['{', '}']).to_ascii_lowercase());
    let mut data = Vec::new();
    if let Some(properties) = object
        .member("Properties")
        .or(object.member("ReplacementStrings"))
    {
        collect(properties, &mut data);
    }
    Event {
        provider: text(&["ProviderName", "Source"]).unwrap_or_default(),
        id: id.unwrap_or_default(),
        time: text(&["TimeCreated", "TimeGenerated"]).unwrap_or_default(),
        activity,
        computer: text(&["MachineName"]).unwrap_or_default(),
        data,
        message: text(&["Message"]),
    }
}

/// The values of `Properties`: a list of objects whose `Value` it is. Beyond the depth of an
/// export an object is no more than its own name, which says nothing.
fn collect(properties: &Value, data: &mut Vec<(String, String)>) {
    match properties {
        Value::List(items) => items.iter().for_each(|item| collect(item, data)),
        Value::Object(object) => match object.member("Value") {
            Some(Value::Octets(octets)) => {
                data.push(("Value".to_owned(), crate::hash::hex(octets)));
            }
            Some(value) => data.extend(value.text().map(|text| ("Value".to_owned(), text))),
            None => {
                let members = object.members.iter();
                members.for_each(|(_, member)| collect(member, data));
            }
        },
        Value::Text(text) => {
            let is_name = text.starts_with("System.Diagnostics.");
            data.extend((!is_name).then(|| ("Value".to_owned(), text.clone())));
        }
        Value::Octets(_) | Value::Nothing => {}
    }
}
