//! The manual pages.

use crate::support::Installation;

#[tokio::test]
async fn every_command_has_a_page_and_every_setting_its_meaning() {
    let here = Installation::new().await;
    let dir = here.dir().join("man");
    here.run(&["man", "--dir", dir.to_str().unwrap()]).await.stdout();
    let whole = std::fs::read_to_string(dir.join("gatepost.1")).unwrap();
    assert_eq!(here.run(&["man"]).await.stdout(), whole);
    for (name, _) in gatepost::config::SETTINGS {
        let entry = format!("\\fB\\-\\-{}\\fR", name.replace('_', "\\-"));
        let mut lines = whole.lines().skip_while(|line| !line.starts_with(&entry));
        assert!(lines.next().is_some(), "{entry}: {whole}");
        assert!(lines.next().is_some_and(|line| !line.starts_with('.')), "{name} has no meaning: {whole}");
    }
    for page in ["gatepost-credential", "gatepost-credential-rotate", "gatepost-domain-add", "gatepost-serve"]
    {
        assert!(dir.join(format!("{page}.1")).exists(), "{page}");
    }
    for file in std::fs::read_dir(&dir).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS"] {
            let has = |line: &str| line.trim_start_matches(".SH ").trim_matches('"') == section;
            assert_eq!(text.lines().filter(|line| has(line)).count(), 1, "{section}: {text}");
        }
        assert!(text.is_ascii() && text.contains(".TH \"GATEPOST"), "{text}");
    }
}

#[tokio::test]
async fn groff_has_nothing_to_say_against_the_pages() {
    let here = Installation::new().await;
    let dir = here.dir().join("man");
    here.run(&["man", "--dir", dir.to_str().unwrap()]).await.stdout();
    for file in std::fs::read_dir(&dir).unwrap() {
        let path = file.unwrap().path();
        let groff =
            std::process::Command::new("groff").args(["-man", "-Tutf8", "-ww", "-z"]).arg(&path).output();
        let groff = groff.expect("tests/run installs it");
        assert!(groff.status.success(), "{groff:?}");
        assert_eq!(String::from_utf8_lossy(&groff.stderr), "", "{}", path.display());
    }
}
