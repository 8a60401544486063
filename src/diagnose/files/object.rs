//! Objects with named properties, however they were saved: PowerShell's XML for objects,
//! other XML, or the list that `Format-List` prints. What a saved trace holds is not
//! documented, so properties are looked for by name, wherever they are.

use std::collections::HashMap;
use std::sync::Arc;

use crate::der::decode_base64;
use crate::identifier::{Element, attribute, elements, is_clixml, local_name, own_text};

/// A value of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Text, a number, or what an object calls itself.
    Text(String),
    /// Octets.
    Octets(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// An object.
    Object(Object),
    /// Nothing, or nothing that has a meaning here.
    Nothing,
}

/// An object: what it is, what it calls itself, and its properties in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Object {
    /// The names of its types, the closest first; shared by the objects of one type.
    pub(super) types: Arc<[String]>,
    /// What `ToString` said.
    pub(super) text: Option<String>,
    /// A number that it stands for, as an enumeration does.
    pub(super) number: Option<String>,
    /// Its properties.
    pub(super) members: Vec<(String, Value)>,
}

impl Value {
    /// As text: that of a list is that of its items.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.trim().to_owned()),
            Self::Object(object) => object.text.clone().or_else(|| object.number.clone()),
            Self::List(items) => {
                let texts: Vec<String> = items.iter().filter_map(Self::text).collect();
                (!texts.is_empty()).then(|| texts.join(", "))
            }
            Self::Octets(_) | Self::Nothing => None,
        }
    }
}

impl Object {
    /// A property by its name, whose case does not count.
    pub(super) fn member(&self, name: &str) -> Option<&Value> {
        let mut members = self.members.iter();
        members.find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    }

    /// A property as text that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.member(name)?.text().filter(|text| !text.is_empty())
    }

    /// Whether one of its types ends in this name. `Deserialized.` before it does not count.
    pub(super) fn is(&self, type_name: &str) -> bool {
        self.types.iter().any(|one| one.ends_with(type_name))
    }
}

/// Every object among these values and below them, outer ones first.
pub(super) fn objects(values: &[Value]) -> Vec<&Object> {
    let mut found = Vec::new();
    let mut open: Vec<&Value> = values.iter().rev().collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(object) => {
                found.push(object);
                open.extend(object.members.iter().rev().map(|(_, value)| value));
            }
            Value::List(items) => open.extend(items.iter().rev()),
            _ => {}
        }
    }
    found
}

/// Every text among these values and below them.
pub(super) fn texts(values: &[Value]) -> Vec<&str> {
    let mut found = Vec::new();
    let mut open: Vec<&Value> = values.iter().rev().collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Text(text) => found.push(text.as_str()),
            Value::Object(object) => {
                found.extend(object.text.as_deref());
                open.extend(object.members.iter().rev().map(|(_, value)| value));
            }
            Value::List(items) => open.extend(items.iter().rev()),
            _ => {}
        }
    }
    found
}

/// Reads a document: PowerShell's XML for objects ([MS-PSRP] 2.2.5), or any other. Its depth
/// is bounded by the reader of XML, so the tree is walked by recursion.
pub(super) fn of_document(root: &Element) -> Vec<Value> {
    match is_clixml(root) {
        true => {
            let mut types = Types::default();
            let values = elements(root);
            values.map(|value| types.value(value)).collect()
        }
        false => vec![plain(root)],
    }
}

/// The names of types that were given before, by the number that later objects have for them.
#[derive(Default)]
struct Types(HashMap<String, Arc<[String]>>);

impl Types {
    /// [MS-PSRP] 2.2.5.1 has the elements for values, 2.2.5.2 those for objects.
    fn value(&mut self, element: &Element) -> Value {
        match local_name(&element.name) {
            "Nil" | "Ref" => Value::Nothing,
            "BA" => match decode_base64(&own_text(element)) {
                Ok(octets) => Value::Octets(octets),
                Err(_) => Value::Nothing,
            },
            "Obj" => self.object(element),
            // A document within a document.
            "XD" => Value::Text(own_text(element)),
            _ => Value::Text(unescaped(&own_text(element))),
        }
    }

    fn object(&mut self, element: &Element) -> Value {
        let mut object = Object::default();
        let mut list = None;
        for child in elements(element) {
            match local_name(&child.name) {
                "TN" => {
                    object.types = elements(child).map(own_text).collect();
                    let number = attribute(child, "RefId").unwrap_or_default();
                    self.0.insert(number.to_owned(), Arc::clone(&object.types));
                }
                "TNRef" => {
                    let number = attribute(child, "RefId").unwrap_or_default();
                    object.types = self.0.get(number).map(Arc::clone).unwrap_or_default();
                }
                "ToString" => object.text = Some(unescaped(&own_text(child))),
                // What the object has, and what PowerShell added to it.
                "Props" | "MS" => {
                    for member in elements(child) {
                        if let Some(name) = attribute(member, "N") {
                            object.members.push((unescaped(name), self.value(member)));
                        }
                    }
                }
                "LST" | "IE" | "STK" | "QUE" => {
                    let items = elements(child);
                    list = Some(Value::List(items.map(|item| self.value(item)).collect()));
                }
                "DCT" => object
                    .members
                    .extend(elements(child).filter_map(|entry| self.entry(entry))),
                // The value that an enumeration has, or that something else stands on.
                _ => object.number = Some(own_text(child).trim().to_owned()),
            }
        }
        match list {
            Some(list) if object.members.is_empty() => list,
            // What was added to a list, such as where it comes from.
            Some(list) => {
                object.members.push((ITEMS.to_owned(), list));
                Value::Object(object)
            }
            None => Value::Object(object),
        }
    }

    /// An entry of a dictionary.
    fn entry(&mut self, entry: &Element) -> Option<(String, Value)> {
        let part = |name| elements(entry).find(|part| attribute(part, "N") == Some(name));
        let (key, value) = (part("Key")?, part("Value")?);
        let key = self.value(key).text().unwrap_or_default();
        Some((key, self.value(value)))
    }
}

/// The member that holds the items of a list that has properties too. No property of
/// PowerShell is called so.
const ITEMS: &str = "#items";

/// PowerShell writes characters that XML cannot hold, and line ends, as `_x000A_`.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("_x") {
        out.push_str(before);
        let code = after.get(..4).filter(|_| after.get(4..5) == Some("_"));
        let unit = code.and_then(|code| u16::from_str_radix(code, 16).ok());
        match unit.and_then(|unit| char::from_u32(u32::from(unit))) {
            Some(c) => {
                out.push(c);
                rest = after.get(5..).unwrap_or_default();
            }
            None => {
                out.push_str("_x");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// An element of any other XML: attributes and elements are properties, and one with
/// neither is a text.
fn plain(element: &Element) -> Value {
    let children: Vec<&Element> = elements(element).collect();
    let attributes = element
        .attributes
        .iter()
        .filter(|(name, _)| name != "xmlns" && !name.starts_with("xmlns:"));
    let attributes: Vec<_> = attributes.collect();
    let text = own_text(element);
    if children.is_empty() && attributes.is_empty() {
        return Value::Text(text.trim().to_owned());
    }
    let mut object = Object {
        types: [local_name(&element.name).to_owned()].into(),
        text: Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        ..Object::default()
    };
    for (name, value) in attributes {
        object
            .members
            .push((local_name(name).to_owned(), Value::Text(value.clone())));
    }
    for child in children {
        object
            .members
            .push((local_name(&child.name).to_owned(), plain(child)));
    }
    Value::Object(object)
}

/// The most objects that are read of one printed list.
const MAX_PRINTED: usize = 10_000;

/// Reads what `Format-List` prints: blocks of `Name : value`, a value going on in lines that
/// start with white space. `None` if the text is something else.
pub(super) fn of_list(text: &str) -> Option<Vec<Value>> {
    let mut objects: Vec<Object> = Vec::new();
    let mut open: Option<Object> = None;
    for line in text.lines() {
        let line = line.trim_end();
        if line.is_empty() {
            objects.extend(open.take().filter(|object| !object.members.is_empty()));
            if objects.len() > MAX_PRINTED {
                return None;
            }
            continue;
        }
        let object = open.get_or_insert_default();
        if line.starts_with([' ', '\t']) {
            // Not the first line of a block.
            if let Some((_, Value::Text(value))) = object.members.last_mut() {
                value.push('\n');
                value.push_str(line.trim());
            }
            continue;
        }
        let (name, value) = line.split_once(':')?;
        let name = name.trim_end();
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
        // The colons of one list stand below each other, with a blank on both sides.
        let blank_after = value.is_empty() || value.starts_with(' ');
        if name.is_empty() || !name.chars().all(is_name) || !blank_after {
            return None;
        }
        let value = Value::Text(value.trim().to_owned());
        object.members.push((name.to_owned(), value));
    }
    objects.extend(open.filter(|object| !object.members.is_empty()));
    let several = objects.iter().any(|object| object.members.len() > 1);
    several.then(|| objects.into_iter().map(Value::Object).collect())
}

#[cfg(test)]
mod tests {
    use super::super::content::xml;
    use super::*;

    fn read(body: &str) -> Vec<Value> {
        let text = format!(
            "<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">{body}</Objs>"
        );
        of_document(&xml(&text).unwrap())
    }

    #[test]
    fn objects_of_powershell() {
        let values = read(
            r#"<Obj RefId="0"><TN RefId="0"><T>A.B</T><T>System.Object</T></TN><ToString>it_x000A_self</ToString>
            <Props><S N="Name">x</S><I32 N="Id">1500</I32><Nil N="None"/>
            <Obj N="Status" RefId="1"><TN RefId="1"><T>S</T></TN><ToString>Passed</ToString><I32>100</I32></Obj>
            <Obj N="All" RefId="2"><LST><S>a</S><Obj RefId="3"><MS><S N="Deep">d</S></MS></Obj></LST></Obj>
            <Obj N="D" RefId="4"><DCT><En><S N="Key">k</S><S N="Value">v</S></En></DCT></Obj>
            </Props></Obj><Obj RefId="9"><TNRef RefId="0"/><I32>7</I32></Obj><Obj RefId="10"><TNRef RefId="8"/></Obj>"#,
        );
        let all = objects(&values);
        let first = all[0];
        assert!(first.is("B") && first.is("A.B") && !first.is("C"));
        assert_eq!(first.text.as_deref(), Some("it\nself"));
        assert_eq!(first.text("id").as_deref(), Some("1500"));
        assert_eq!(first.text("status").as_deref(), Some("Passed"));
        assert_eq!(first.text("None"), None);
        assert!(
            all.iter()
                .any(|one| one.text("Deep").as_deref() == Some("d"))
        );
        assert!(all.iter().any(|one| one.text("k").as_deref() == Some("v")));
        assert!(texts(&values).contains(&"a"));
        // A type that was named before, and one that was not.
        let [.., again, none] = all.as_slice() else {
            panic!("{all:?}")
        };
        assert!(again.is("A.B") && again.number.as_deref() == Some("7"));
        assert!(none.types.is_empty());
    }

    #[test]
    fn other_xml_has_properties_as_well() {
        let root = xml(
            "<t:Trace xmlns:t='u' Version='1'><Mode>Tpm</Mode><List><I>1</I><I>2</I></List></t:Trace>",
        );
        let values = of_document(&root.unwrap());
        let all = objects(&values);
        assert_eq!(all[0].text("mode").as_deref(), Some("Tpm"));
        assert_eq!(all[0].text("Version").as_deref(), Some("1"));
        assert_eq!(all[1].text("I").as_deref(), Some("1"));
    }

    #[test]
    fn printed_lists() {
        let values =
            of_list("\r\n\r\nA    : 1\r\nLong : x\r\n       y\r\n\r\nA    : 2\r\nB    :\r\n\r\n");
        let values = values.unwrap();
        let all = objects(&values);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].text("long").as_deref(), Some("x\ny"));
        assert_eq!(all[1].text("B"), None);
        for text in [
            "",
            "no colon\n",
            "A : 1\n",
            "a b : 1\nc : 2\n",
            "C:\\x\nD:\\y\n",
        ] {
            assert_eq!(of_list(text), None, "{text}");
        }
    }

    #[test]
    fn escapes_of_powershell() {
        for (text, expected) in [
            ("a_x000D__x000A_b", "a\r\nb"),
            ("_x005F_x", "_x"),
            ("_x00", "_x00"),
            ("_xD800_", "_xD800_"),
            ("_xé00_", "_xé00_"),
        ] {
            assert_eq!(unescaped(text), expected);
        }
    }
}
