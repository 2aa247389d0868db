//! What is wrong with an option is said of that option, not of the API's field that it fills.

use super::acme::Acme;

#[tokio::test]
async fn a_refusal_names_the_option_or_argument_that_it_is_about() {
    let acme = Acme::new().await;
    acme.here.run(&["domain", "add", "shop.example"]).await.stdout();
    acme.here.run(&["credential", "create", "--name", "Shop"]).await.stdout();
    for (command, said) in [
        (&["credential", "list", "--unused-for", "0"][..], "--unused-for must be between 1 and 3650"),
        (&["credential", "create", "--name", "Shop"], "--name: There is a credential named “Shop” already."),
        (&["credential", "create", "--domain", "x.example"], "--domain: "),
        (&["credential", "create", "--expires", "2020-01-01T00:00:00Z"], "--expires: Choose a time to come."),
        (&["api-key", "create", "--label", "", "--scope", "*"], "--label: A label is one line"),
        (&["api-key", "create", "--label", "x", "--scope", "all"], "--scope: “all” is not a scope"),
        (&["api-key", "create", "--label", "x", "--scope", "*", "--allow", "0.0.0.0/0"], "--allow: "),
        (&["webhook", "create", "ftp://hooks.example/", "--name", "Bad"], "<URL>: "),
        (&["webhook", "create", "https://hooks.example/", "--name", ""], "--name: "),
        (&["webhook", "show", "shop"], "invalid <ID>"),
        (&["webhook", "edit", "shop", "--global"], "invalid <ID>"),
        (&["webhook", "delete", "shop"], "invalid <ID>"),
        (&["domain", "add", "no domain"], "<DOMAIN>: "),
        (&["domain", "add", "shop.example"], "<DOMAIN>: shop.example is there already."),
        (&["domain", "show", "other.example"], "domain not found"),
        (&["message", "show", "x"], "invalid <ID>"),
    ] {
        let refused = acme.ask(command).await;
        assert_eq!(refused.code, Some(1), "{command:?}: {refused:?}");
        let complaint = refused.complaint();
        assert!(complaint.starts_with(&format!("gatepost: {said}")), "{command:?}: {complaint}");
    }
    assert!(acme.server.stop().await.success());
}
