//! Quoting for commands that are shown: what stands in them comes from files and servers,
//! and somebody will paste them into a shell.

/// What stands for a text that cannot be quoted safely.
const UNQUOTABLE: &str = "'<TEXT WITH UNUSUAL CHARACTERS, SEE ABOVE>'";

/// `text` as one word of PowerShell, which does not look into it. A text with control
/// characters, or characters beyond ASCII (PowerShell takes typographic quotation marks for
/// its own), is replaced by a placeholder.
pub fn powershell_quoted(text: &str) -> String {
    match is_plain(text) {
        true => format!("'{}'", text.replace('\'', "''")),
        false => UNQUOTABLE.to_owned(),
    }
}

/// `text` as one word of a POSIX shell. A text with control characters or characters beyond
/// ASCII is replaced by a placeholder.
pub fn sh_quoted(text: &str) -> String {
    match is_plain(text) {
        true => format!("'{}'", text.replace('\'', r"'\''")),
        false => UNQUOTABLE.to_owned(),
    }
}

fn is_plain(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' '..='~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_the_quotes() {
        assert_eq!(powershell_quoted("a'; rm -r / #"), "'a''; rm -r / #'");
        assert_eq!(
            sh_quoted("a'; rm -r / #$(x)`y`"),
            r"'a'\''; rm -r / #$(x)`y`'"
        );
        for odd in ["a\u{2019}; calc", "a\nb", "\u{202e}x", "\0"] {
            assert_eq!(powershell_quoted(odd), UNQUOTABLE);
            assert_eq!(sh_quoted(odd), UNQUOTABLE);
        }
    }
}
