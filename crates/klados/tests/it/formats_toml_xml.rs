//! The formats in TOML and XML.

use klados::format::{Draft, Format, ReadOptions};
use klados::{Hierarchy, HierarchyError, HierarchyErrorKind as Kind};

use crate::data::real;
use crate::reading::{fixture, guess, problems, read_as};

#[test]
fn tables_with_names_have_the_path_of_keys_as_their_id() {
    let hierarchy = fixture("toml/slugs.toml");
    assert_eq!(
        hierarchy.to_string(),
        "Aerospace\n  Drones\n  Aerospace protocols\nNetwork\n  Network protocols\nAccessibility\n"
    );
    let node = hierarchy.node("network::protocols").unwrap();
    assert_eq!(
        (hierarchy.name(node), hierarchy.path(node)),
        ("Network protocols", "Network > Network protocols".into())
    );
    assert_eq!(hierarchy.id(hierarchy.node("Accessibility").unwrap()), Some("accessibility"));
}

#[test]
fn tables_without_names_are_named_by_their_keys_in_the_order_of_the_text() {
    let hierarchy = fixture("toml/names.toml");
    assert_eq!(
        hierarchy.to_string(),
        "animal\n  bird\n    crow\n    robin\n  bat\n  fish\n    cod\n    pike\nplant\n  flower\n    rose\n  oak tree\n"
    );
    assert!(!hierarchy.has_ids());
}

#[test]
fn tables_in_arrays_are_children() {
    let hierarchy = fixture("toml/children.toml");
    assert_eq!(hierarchy.to_string(), "animal\n  bird\n    crow\n    robin\n  bat\n");
    let crow = hierarchy.node("3").unwrap();
    assert_eq!(hierarchy.synonyms(crow).collect::<Vec<_>>(), ["corbie"]);
    assert_eq!(hierarchy.rank(hierarchy.node("bird").unwrap()), Some("class"));
}

#[test]
fn toml_that_is_no_hierarchy_is_none() {
    for text in [
        "[package]\nname = \"klados\"\nversion = \"0.1.0\"\n[dependencies]\nserde = \"1\"\n",
        "a = 1\nb = 2\n",
        "[a]\nx = 1.5\ny = true\n",
        "[Term]\nid: CL:0000000\nname: cell\n",
    ] {
        assert_ne!(guess(text), Some(Format::Toml), "{text}");
    }
    // Of a long text the first tables tell, and not the one that is cut.
    let text = "x = [1,\n".repeat(20_000);
    let long =
        format!("[a]\nname = \"A\"\n[a.categories.b]\nname = \"B\"\n[c]\nname = \"C\"\nabout = \"\"\"\n{text}\"\"\"\n");
    assert_eq!(guess(&long), Some(Format::Toml));
}

#[test]
fn problems_of_toml_have_their_line() {
    let found = |text: &str| problems(Format::Toml, text);
    assert_eq!(found("[a]\nb = []\n[a]\nc = []\n"), ["line 3: this is no valid TOML: duplicate key"]);
    assert_eq!(found("[a]\nb = []\nb = []\n"), ["line 3: this is no valid TOML: duplicate key"]);
    assert_eq!(
        found("[a]\nb = \"x\"\nc = [[\"d\"]]\n"),
        [
            "line 2: \"a\" has the text \"x\" under \"b\"; expected what is below it",
            "line 3: \"c\" has a list in a list; expected a name or an object"
        ]
    );
    assert!(found("[a\nb = 1\n")[0].starts_with("line 1: this is no valid TOML: "));
    let latin1 = b"[a]\nb = [\"b\xe4r\"]\n";
    let error = Hierarchy::from_bytes(latin1, &ReadOptions::new().format(Format::Toml)).unwrap_err();
    assert_eq!((error.kind(), error.location().line), (Kind::Encoding, Some(2)));
    let error = read_as(Format::Toml, "[a]\nb = [\"x\\u0000\"]\n").unwrap_err();
    assert_eq!((error.kind(), error.location().line), (Kind::Format, Some(2)));
}

/// The reader of TOML itself goes no deeper than 80.
#[test]
fn toml_nests_no_deeper_than_the_limit() {
    let depth = 200_000;
    for text in [
        format!("a = {}", "[".repeat(depth)),
        format!("a = {}{}", "[".repeat(depth), "]".repeat(depth)),
        format!("a = {}", "{a = ".repeat(depth)),
        format!("[{}a]\nb = []\n", "a.".repeat(depth)),
        format!("{}a = []\n", "a.".repeat(depth)),
    ] {
        let error = read_as(Format::Toml, &text).unwrap_err();
        assert_eq!(error.kind(), Kind::Format);
        assert!(error.message().starts_with("this is no valid TOML: "), "{error}");
    }
    let long = format!("[{}]\n{}", "x".repeat(10_000), "a = { name = 'b' }\n");
    assert_eq!(problems(Format::Toml, &long).len(), 0);
    let entries: String = (0..2000).map(|entry| format!("a{entry} = {{ name = 'b' }}\n")).collect();
    let error = read_as(Format::Toml, &format!("[{}]\n{entries}", "x".repeat(10_000))).unwrap_err();
    assert!(error.message().ends_with("bytes in all ids, the limit"), "{error}");
    let mut options = ReadOptions::new().format(Format::Toml);
    options.limits.nesting = 2;
    assert_eq!(Hierarchy::from_bytes(b"[a.b]\n[c.d]\n", &options).unwrap().class_count(), 2);
    let error = Hierarchy::from_bytes(b"[a.b]\n[a.b.c]\n", &options).unwrap_err();
    assert_eq!(error.to_string(), "line 2: more than 2 tables inside each other, the limit");
}

#[test]
fn chapters_sections_and_diagnoses_by_code() {
    let hierarchy = fixture("icd10cm/tabular.xml");
    assert_eq!(
        hierarchy.to_string(),
        "Certain infectious and parasitic diseases (A00-B99)\n  Intestinal infectious diseases (A00-A09)\n    Cholera\n      \
         Cholera due to Vibrio cholerae 01, biovar cholerae\n      Cholera, unspecified\n    Other salmonella infections\n\
         Injury, poisoning & certain other consequences of external causes (S00-T88)\n  Injuries to the head (S00-S09)\n    \
         Superficial injury of head\n      Superficial injury of scalp\n"
    );
    let classical = hierarchy.node("A00.0").unwrap();
    assert_eq!(hierarchy.synonyms(classical).collect::<Vec<_>>(), ["Classical cholera"]);
    let rank = |code: &str| hierarchy.rank(hierarchy.node(code).unwrap());
    assert_eq!(
        [rank("1"), rank("A00-A09"), rank("A00"), rank("A00.0")],
        [Some("chapter"), Some("section"), Some("category"), None]
    );
    let warnings: Vec<String> = hierarchy.warnings().iter().map(|warning| warning.message.clone()).collect();
    assert_eq!(warnings, ["1 entries have seventh characters; the codes with them are no nodes"]);
}

fn tabular(inside: &str) -> String {
    format!("<ICD10CM.tabular>{inside}</ICD10CM.tabular>")
}

#[test]
fn problems_of_xml_have_their_line() {
    let found = |inside: &str| problems(Format::Icd10cm, &tabular(inside));
    assert_eq!(
        found(
            "<chapter><name>1</name>\n<section><desc>x</desc></section>\n<section id='a'/>\n<section id=\"a\"/></chapter>"
        ),
        ["line 2: an entry without a code", "line 4: \"a\" is there already, in line 3"]
    );
    assert_eq!(
        found("<chapter><section id='a'/>\n<name>1</name></chapter>"),
        ["line 1: \"a\" stands before the code of what it is in"]
    );
    assert_eq!(found("<chapter>\n<name>&secret;</name></chapter>")[0], "line 2: the reference &secret; is not known");
    assert_eq!(found("<chapter><name>&#65;&lt;<![CDATA[&]]></name><section id='&#66;&gt;'/></chapter>"), [""; 0]);
    let end = |text: &str| problems(Format::Icd10cm, text).pop().unwrap();
    assert_eq!(end("<html>\n</html>"), "line 1: the element at the top is <html>; expected <ICD10CM.tabular>");
    assert!(end("<ICD10CM.tabular>\n<chapter>\n</section>").starts_with("line 3: this is no valid XML: "));
    assert_eq!(
        end("<ICD10CM.tabular>\n<chapter><name>1</name>"),
        "line 2: this is no valid XML: it ends inside of 2 elements"
    );
}

#[test]
fn entities_of_a_document_type_are_not_expanded() {
    let mut laughs = "<!ENTITY lol \"lol\">\n".to_owned();
    for level in 1..30 {
        let above = if level == 1 { "lol".to_owned() } else { format!("lol{}", level - 1) };
        laughs += &format!("<!ENTITY lol{level} \"{}\">\n", format!("&{above};").repeat(10));
    }
    let text = format!(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE x [\n{laughs}<!ENTITY file SYSTEM \"file:///etc/passwd\">]>\n{}",
        tabular("<chapter><name>1</name><desc>a &lol29; &file;</desc></chapter>")
    );
    assert_eq!(guess(&text), Some(Format::Icd10cm));
    let (draft, _) = Draft::from_bytes(text.as_bytes(), &ReadOptions::new()).unwrap();
    assert_eq!(draft.name(0), "a");
    let messages: Vec<&str> = draft.problems().iter().map(HierarchyError::message).collect();
    assert_eq!(messages, ["the reference &lol29; is not known", "the reference &file; is not known"]);
}

#[test]
fn xml_nests_no_deeper_than_the_limit() {
    let diag: String = (0..1100).map(|code| format!("<diag><name>{code}</name>")).collect();
    let text = tabular(&format!("<chapter><name>c</name>{diag}"));
    let error = problems(Format::Icd10cm, &text).pop().unwrap();
    assert_eq!(error, "line 1: more than 1024 elements inside each other, the limit");
    let error = problems(Format::Icd10cm, &"<ICD10CM.tabular>".repeat(1_000_000)).pop().unwrap();
    assert_eq!(error, "line 1: more than 1024 elements inside each other, the limit");
    let latin1 = b"<ICD10CM.tabular>\n<chapter><name>b\xe4r</name></chapter></ICD10CM.tabular>";
    let error = Hierarchy::from_bytes(latin1, &ReadOptions::new().format(Format::Icd10cm)).unwrap_err();
    assert_eq!((error.kind(), error.location().line), (Kind::Encoding, Some(2)));
}

/// The numbers are those of the edge list beside the file, and of the table in the README of the data.
#[test]
fn the_original_of_crates_io_is_read() {
    let Some(path) = real("crates-io-categories/categories.toml") else { return };
    let (draft, format) = Draft::from_path(&path, &ReadOptions::new()).unwrap();
    assert_eq!((format, draft.problems().len(), draft.node_count(), draft.edges().len()), (Format::Toml, 0, 104, 46));
    let names = std::fs::read_to_string(path.with_file_name("crates-io-categories.names.csv")).unwrap();
    for line in names.lines().skip(1) {
        let (id, name) = line.split_once(',').unwrap();
        let node = (0..draft.node_count()).find(|&node| draft.id(node) == Some(id)).expect(id);
        assert_eq!(draft.name(node), name.trim_matches('"').replace("\"\"", "\""));
    }
    let hierarchy = draft.build().unwrap();
    assert_eq!((hierarchy.class_count(), hierarchy.is_tree(), hierarchy.root_is_added()), (92, true, true));
}
