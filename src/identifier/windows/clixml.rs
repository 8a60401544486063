//! The output of Get-TpmEndorsementKeyInfo through Export-Clixml or ConvertTo-CliXml:
//! PowerShell's own XML for objects ([MS-PSRP] 2.2.5).

use super::super::gather::{namespace, own_text};
use super::super::model::{Element, Identifier, Node};
use super::super::xml::local_name;
use super::ek_info::{self, MEMBERS};
use super::value::Value;
use crate::der::decode_base64;
use crate::finding::{Code, Error};

const NAMESPACE: &str = "http://schemas.microsoft.com/powershell/2004/04";

/// Whether a document is PowerShell's XML for objects.
pub(crate) fn is_clixml(root: &Element) -> bool {
    local_name(&root.name) == "Objs" && namespace(root) == Some(NAMESPACE)
}

/// Reads it. The tree is known to be within [`MAX_DEPTH`](super::super::MAX_DEPTH), so
/// it may be walked by recursion.
pub(in crate::identifier) fn read(root: &Element) -> Result<Identifier, Error> {
    let objects = elements(root).map(value);
    let objects = objects.collect::<Result<Vec<Value>, Error>>()?;
    let is_info = |value: &&Value| MEMBERS.iter().any(|name| value.member(name).is_some());
    match objects.as_slice() {
        [info] if is_info(&info) => ek_info::read(info),
        objects if objects.iter().any(|value| is_info(&value)) => Err(malformed(
            "there is more in the file than one output of Get-TpmEndorsementKeyInfo",
        )),
        _ => Err(Error::malformed(
            Code::InputUnrecognised,
            "the XML is an export of PowerShell, but not of Get-TpmEndorsementKeyInfo",
            super::export_help(),
        )
        .at("Objs")),
    }
}

/// [MS-PSRP] 2.2.5.1 has the elements for values, 2.2.5.2 those for objects.
fn value(element: &Element) -> Result<Value, Error> {
    let text = || own_text(element);
    Ok(match local_name(&element.name) {
        "Nil" => Value::Null,
        "B" => Value::Bool(text() == "true"),
        "S" => Value::Text(text()),
        "BA" => match decode_base64(&text()) {
            Ok(octets) => Value::Octets(octets),
            Err(why) => return Err(malformed(format!("a byte array is not base64: {why}"))),
        },
        "Obj" => object(element)?,
        _ => Value::Other,
    })
}

fn object(element: &Element) -> Result<Value, Error> {
    let mut members = Vec::new();
    let mut list = None;
    for child in elements(element) {
        match local_name(&child.name) {
            // What the object has, and what PowerShell added to it.
            "Props" | "MS" => {
                for member in elements(child) {
                    if let Some(name) = attribute(member, "N") {
                        members.push((name.to_owned(), value(member)?));
                    }
                }
            }
            // A list, and what can be enumerated, a stack or a queue.
            "LST" | "IE" | "STK" | "QUE" => {
                let items = elements(child).map(value).collect::<Result<_, _>>()?;
                if list.replace(items).is_some() {
                    return Err(malformed("an object has two lists of items"));
                }
            }
            _ => {}
        }
    }
    match list {
        Some(items) => Ok(Value::List(items)),
        None => Value::object(members).map_err(malformed),
    }
}

pub(crate) fn elements(element: &Element) -> impl Iterator<Item = &Element> {
    element.children.iter().filter_map(|child| match child {
        Node::Element(child) => Some(child),
        _ => None,
    })
}

pub(crate) fn attribute<'a>(element: &'a Element, name: &str) -> Option<&'a str> {
    let mut attributes = element.attributes.iter();
    attributes.find_map(|(found, value)| (found == name).then_some(value.as_str()))
}

fn malformed(what: impl AsRef<str>) -> Error {
    Error::malformed(
        Code::XmlMalformed,
        format!(
            "the XML of Get-TpmEndorsementKeyInfo cannot be read: {}",
            what.as_ref()
        ),
        "make the file again, and do not edit it",
    )
}
