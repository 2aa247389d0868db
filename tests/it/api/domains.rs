//! Domains through the API: added, verified by their record, listed, and removed with care.

use gatepost::model::credential::{Draft, Mode, Scope};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Program, Told};
use crate::support::{Mood, TestApp, TestDns};

const PATH: &str = "/domains";

async fn post_once(program: &Program, key: &str, body: &Value) -> Told {
    let request = program.request(Method::POST, PATH).header("content-type", "application/json");
    Told::of(request.header("idempotency-key", key).body(body.to_string())).await
}

fn names(told: &Told) -> Vec<&str> {
    let rows = told.body["data"].as_array().unwrap_or_else(|| panic!("{told:?}"));
    rows.iter().map(|domain| domain["domain"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_program_takes_a_domain_through_its_life() {
    let dns = TestDns::start().await;
    let app = TestApp::with_dns(&dns).await;
    let program = Program::with(&app, &["domains:read", "domains:write", "domains:delete:all"]).await;
    let added = program.post(PATH, &json!({"domain": " Bücher.Example. "})).await;
    assert_eq!(added.status, 201, "{added:?}");
    let domain = &added.body;
    assert_eq!((&domain["object"], &domain["domain"]), (&json!("domain"), &json!("xn--bcher-kva.example")));
    assert_eq!(domain["account_id"], json!(program.account));
    assert_eq!((&domain["dns_valid"], &domain["status"]), (&json!(false), &json!("pending")));
    assert_eq!((&domain["last_dns_check_at"], &domain["tracking_subdomain"]), (&Value::Null, &Value::Null));
    let record = domain["dns_records"][0].clone();
    assert_eq!(record["host"], "_gatepost-challenge.xn--bcher-kva.example");
    assert_eq!(
        (&record["type"], &record["required"], &record["propagated"]),
        (&json!("TXT"), &json!(true), &json!(false))
    );

    // However it is written.
    for one in
        ["/domains/xn--bcher-kva.example", "/domains/XN--bcher-kva.EXAMPLE.", "/domains/B%C3%BCcher.example"]
    {
        assert_eq!(program.get(one).await.body, *domain, "{one}");
    }
    let check = format!("{PATH}/b%C3%BCcher.example/check-dns");
    let missing = program.post(&check, &json!({})).await;
    assert_eq!((missing.status, &missing.body["dns_valid"]), (200, &json!(false)), "{missing:?}");
    assert!(missing.body["dns_problem"].as_str().unwrap().starts_with("There is no _gatepost-challenge."));
    assert!(missing.body["last_dns_check_at"].is_string());
    dns.add(record["host"].as_str().unwrap(), &[record["content"].as_str().unwrap()]);
    let found = program.post(&check, &json!({})).await;
    assert_eq!(
        (found.status, &found.body["dns_valid"], &found.body["status"]),
        (200, &json!(true), &json!("verified"))
    );
    assert_eq!(
        (&found.body["dns_records"][0]["propagated"], &found.body["dns_problem"]),
        (&json!(true), &Value::Null)
    );

    for mood in [Mood::Fails, Mood::IsSilent] {
        dns.set_mood(mood);
        let unanswered = program.post(&check, &json!({})).await;
        assert_eq!(unanswered.status, 503, "{unanswered:?}");
        assert!(unanswered.message().contains("DNS server"), "{unanswered:?}");
    }
    let domain = program.get("/domains/xn--bcher-kva.example").await;
    assert_eq!(domain.body["dns_valid"], true, "nobody knows better");
    let put =
        program.send(Method::PUT, "/domains/xn--bcher-kva.example", &json!({"tracking_subdomain": ""})).await;
    assert_eq!((put.status, &put.body), (200, &domain.body));

    let deleted = program.delete("/domains/xn--bcher-kva.example").await;
    assert_eq!((deleted.status, deleted.message()), (200, "domain deleted"));
    let gone = program.get("/domains/xn--bcher-kva.example").await;
    assert_eq!((gone.status, gone.message()), (404, "domain not found"));
}

#[tokio::test]
async fn what_is_wrong_with_a_domain_is_said_by_name() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    assert_eq!(program.post(PATH, &json!({"domain": "shop.example"})).await.status, 201);
    for (body, status, said) in [
        (json!({"domain": "shop"}), 400, "domain: “shop” has no dot"),
        (json!({"domain": "192.0.2.1"}), 400, "domain: “192.0.2.1” is an address"),
        (json!({"domain": "a b.example"}), 400, "domain: "),
        (json!({"domain": ""}), 400, "domain: "),
        (json!({"domain": 7}), 400, "domain: This must be a text."),
        (json!({}), 400, "domain: This field is required."),
        (json!({"domain": "SHOP.example."}), 409, "domain: shop.example is there already."),
        (
            json!({"domain": "a.example", "colour": "red"}),
            400,
            "colour: There is no such field here; there are domain, dkim",
        ),
        (
            json!({"domain": "a.example", "dkim_private_key": "-----BEGIN"}),
            400,
            "dkim_private_key: Gatepost signs",
        ),
        (json!({"domain": "a.example", "tracking_subdomain": "track"}), 400, "tracking_subdomain: "),
        (json!({"domain": "a.example", "return_path_subdomain": "rp"}), 400, "return_path_subdomain: "),
        (json!({"domain": "a.example", "subscription_subdomain": "sub"}), 400, "subscription_subdomain: "),
        (json!({"domain": "a.example", "media_subdomain": "media"}), 400, "media_subdomain: "),
        (
            json!({"domain": "a.example", "dkim_rotation_interval_days": 30}),
            400,
            "dkim_rotation_interval_days: ",
        ),
        (json!({"domain": "a.example", "dkim_selector": "s1"}), 400, "dkim_selector: "),
    ] {
        let told = program.post(PATH, &body).await;
        assert_eq!(told.status, status, "{body}: {told:?}");
        assert!(told.message().contains(said), "{body}: {told:?}");
    }
    let put = program.send(Method::PUT, "/domains/shop.example", &json!({"dkim_selector": "s1"})).await;
    assert_eq!((put.status, put.message().split(':').next()), (400, Some("dkim_selector")));
    assert_eq!(
        program.send(Method::PUT, "/domains/shop.example", &json!({"domain": "b.example"})).await.status,
        400
    );
    let empty = json!({"domain": "b.example", "dkim_private_key": "", "dkim_selector": null, "dkim_rotation_interval_days": 0});
    assert_eq!(program.post(PATH, &empty).await.status, 201, "what is empty is not set");
    assert_eq!(names(&program.get(PATH).await), ["b.example", "shop.example"]);

    for path in ["/domains/other.example", "/domains/nonsense", "/domains/a%20b.example"] {
        for told in [
            program.get(path).await,
            program.delete(path).await,
            program.send(Method::PUT, path, &json!({})).await,
            program.post(&format!("{path}/check-dns"), &json!({})).await,
        ] {
            assert_eq!((told.status, told.message()), (404, "domain not found"), "{path}");
        }
    }
    assert_eq!(program.get("/domains?dns_valid=perhaps").await.status, 400);
    assert_eq!(program.delete("/domains/shop.example?credentials=-1").await.status, 400);
}

#[tokio::test]
async fn a_domain_is_added_once_for_each_idempotency_key() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let body = json!({"domain": "shop.example"});
    let first = post_once(&program, "one", &body).await;
    let again = post_once(&program, "one", &body).await;
    assert_eq!((first.status, again.status), (201, 201), "{again:?}");
    assert_eq!(first.body, again.body);
    assert!(!first.headers.contains_key("idempotent-replayed"));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(post_once(&program, "two", &body).await.status, 409);
    let other = post_once(&program, "one", &json!({"domain": "other.example"})).await;
    assert_eq!(other.status, 422, "{other:?}");
}

#[tokio::test]
async fn a_domain_that_credentials_name_goes_only_with_their_number() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    app.verified("shop.example").await;
    let mut issued = Vec::new();
    for name in ["one", "two"] {
        let (mode, scope, domains) = (Mode::Sandbox, Scope::Scoped, vec!["shop.example".to_owned()]);
        issued.push(
            app.issue_as(Draft { name: name.to_owned(), mode, scope, domains, expires_at: None }).await,
        );
    }
    assert_eq!(program.get("/domains/shop.example").await.body["credentials"], 2);
    for path in ["/domains/shop.example", "/domains/shop.example?credentials=1"] {
        let refused = program.delete(path).await;
        assert_eq!(refused.status, 400, "as AhaSend's API: {refused:?}");
        assert!(refused.message().contains("2 credentials are scoped to shop.example"), "{refused:?}");
        assert!(refused.message().contains("credentials=2"), "{refused:?}");
    }
    assert_eq!(app.credential(&issued[0]).await.domains, ["shop.example"]);
    assert_eq!(program.delete("/domains/shop.example?credentials=2").await.status, 200);
    assert!(app.credential(&issued[0]).await.domains.is_empty());
}

#[tokio::test]
async fn a_key_does_with_domains_what_its_scopes_say() {
    let app = TestApp::start().await;
    for name in ["a.example", "b.example"] {
        app.verified(name).await;
    }
    let new = json!({"domain": "c.example"});
    let reader = Program::with(&app, &["domains:read"]).await;
    assert_eq!(names(&reader.get(PATH).await), ["b.example", "a.example"]);
    assert_eq!(reader.get("/domains/a.example").await.status, 200);
    let writer = Program::with(&app, &["domains:write"]).await;
    let remover = Program::with(&app, &["domains:delete:{a.example}"]).await;
    for refused in [
        reader.post(PATH, &new).await,
        reader.send(Method::PUT, "/domains/a.example", &json!({})).await,
        reader.post("/domains/a.example/check-dns", &json!({})).await,
        reader.delete("/domains/a.example").await,
        writer.get(PATH).await,
        writer.get("/domains/a.example").await,
        writer.delete("/domains/a.example").await,
        remover.get(PATH).await,
        remover.delete("/domains/b.example").await,
        remover.delete("/domains/nobody.example").await,
    ] {
        assert_eq!(refused.status, 403, "{refused:?}");
        assert!(
            refused.message().starts_with("Insufficient permissions for the required scope: domains:"),
            "{refused:?}"
        );
    }
    assert_eq!(writer.post(PATH, &new).await.status, 201);
    assert_eq!(remover.delete("/domains/A.example").await.status, 200);
    assert_eq!(names(&reader.get(PATH).await), ["c.example", "b.example"]);
}

#[tokio::test]
async fn the_list_of_domains_is_turned_over_in_both_directions() {
    let app = TestApp::start().await;
    for number in 0..5 {
        app.add_domain(&format!("d{number}.example")).await;
    }
    for name in ["v1.example", "v2.example"] {
        app.verified(name).await;
    }
    let program = Program::with(&app, &["domains:read"]).await;
    assert_eq!(names(&program.get("/domains?dns_valid=true").await), ["v2.example", "v1.example"]);
    let pages = super::both_ways(&program, "/domains?dns_valid=false&limit=2").await;
    let expected = ["d4.example", "d3.example", "d2.example", "d1.example", "d0.example"];
    assert_eq!(pages.iter().map(|one| one["domain"].as_str().unwrap()).collect::<Vec<_>>(), expected);
    assert_eq!(program.get("/domains?after=nonsense").await.status, 400);
}
