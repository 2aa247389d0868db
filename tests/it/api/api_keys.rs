//! API keys through the API: what they are told as, what they may do to each other, and from where.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use gatepost::model::api_key::Draft;
use gatepost::model::{ApiKey, Domain};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Program, Told};
use crate::support::TestApp;

const PATH: &str = "/api-keys";
/// Where a second program is.
const NEXT_DOOR: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn path_of(key: &Value) -> String {
    format!("{PATH}/{}", key["id"].as_str().expect("an id"))
}

fn scopes_of(key: &Value) -> Vec<&str> {
    let scopes = key["scopes"].as_array().expect("scopes");
    scopes.iter().map(|scope| scope["scope"].as_str().expect("a scope")).collect()
}

/// The programs that there may be besides the one that asks.
async fn listed(program: &Program) -> Vec<String> {
    let told = program.get(PATH).await;
    assert_eq!(told.status, 200, "{told:?}");
    let keys = told.body["data"].as_array().expect("a list");
    keys.iter().map(|key| key["label"].as_str().expect("a label").to_owned()).collect()
}

#[tokio::test]
async fn a_program_takes_a_key_through_its_life() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let created = program
        .post(PATH, &json!({"label": "Shop", "scopes": ["domains:read", "smtp-credentials:read:all"]}))
        .await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.headers["cache-control"], "no-store");
    let secret = created.body["secret_key"].as_str().unwrap().to_owned();
    let random = secret.strip_prefix("gp-sk-").unwrap();
    assert!(random.len() == 64 && random.bytes().all(|byte| byte.is_ascii_alphanumeric()), "its form");
    let id = created.body["id"].as_str().unwrap();
    assert_eq!(
        (&created.body["object"], &created.body["account_id"], &created.body["ip_allow_list"]),
        (&json!("api_key"), &json!(program.account), &json!([]))
    );
    assert!(created.body["last_used_at"].is_null(), "it was never used");
    assert_eq!(scopes_of(&created.body), ["domains:read", "smtp-credentials:read:all"]);
    for scope in created.body["scopes"].as_array().unwrap() {
        assert_eq!(scope["api_key_id"], id);
        assert!(
            scope["id"].is_string() && scope["created_at"].is_string() && scope["updated_at"].is_string()
        );
        assert!(scope.get("domain_id").is_none(), "no domain's: {scope}");
    }

    let one = path_of(&created.body);
    let shop = program.with_secret(&secret);
    assert_eq!(shop.get("/smtp-credentials").await.status, 200);
    let refused = shop.get(PATH).await;
    assert_eq!(
        (refused.status, refused.message()),
        (403, "Insufficient permissions for the required scope: api-keys:read")
    );
    let found = program.get(&one).await;
    assert_eq!(found.status, 200, "{found:?}");
    assert!(found.body["last_used_at"].is_string(), "it was used");
    assert!(!found.body.to_string().contains(&secret), "it is shown once");
    assert_eq!(found.body["public_key"], created.body["public_key"]);
    assert_eq!(program.get(PATH).await.body["data"][0], found.body);

    let body = json!({"label": "Store", "scopes": ["events:read", "domains:read"], "ip_allow_list": null});
    let changed = program.put(&one, &body).await;
    assert_eq!((changed.status, &changed.body["label"]), (200, &json!("Store")), "{changed:?}");
    assert_eq!(scopes_of(&changed.body), ["domains:read", "events:read"]);
    let kept = |key: &Value| key["scopes"][0]["id"].clone();
    assert_eq!(kept(&changed.body), kept(&created.body), "a scope that stays is the same scope");
    assert_eq!(shop.get("/smtp-credentials").await.status, 403, "from the next request on");

    let deleted = program.delete(&one).await;
    assert_eq!((deleted.status, deleted.message()), (200, "API key deleted"));
    let refused = shop.get("/v2/ping").await;
    assert_eq!((refused.status, refused.message()), (401, "Invalid API key"));
    let gone = program.get(&one).await;
    assert_eq!((gone.status, gone.message()), (404, "API key not found"));
    assert_eq!(program.delete(&one).await.status, 404);
}

#[tokio::test]
async fn a_put_must_change_something() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let body =
        json!({"label": "Shop", "scopes": ["domains:read", "events:read"], "ip_allow_list": ["10.0.0.0/8"]});
    let created = program.post(PATH, &body).await;
    let one = path_of(&created.body);
    app.clock.advance(Duration::from_secs(60));
    for same in [
        json!({}),
        json!({"label": null, "scopes": null, "ip_allow_list": null}),
        json!({"label": " Shop "}),
        json!({"scopes": ["events:read", "domains:read"]}),
        json!({"ip_allow_list": ["10.1.2.3/8", "10.0.0.0/8"]}),
        body.clone(),
    ] {
        let told = program.put(&one, &same).await;
        assert!(told.status == 400 && told.message().contains("nothing would change"), "{same}: {told:?}");
    }
    assert_eq!(program.get(&one).await.body["updated_at"], created.body["updated_at"]);
    let changed = program.put(&one, &json!({"label": null, "ip_allow_list": []})).await;
    assert_eq!((changed.status, &changed.body["ip_allow_list"]), (200, &json!([])));
    assert_eq!(changed.body["label"], "Shop");
    assert_ne!(changed.body["updated_at"], created.body["updated_at"]);
}

#[tokio::test]
async fn what_no_key_can_have_is_refused_by_name() {
    let app = TestApp::start().await;
    app.unverified("shop.example").await;
    let program = Program::with(&app, &["*"]).await;
    let many = |count: usize| (0..count).map(|n| format!("10.0.{}.{}", n / 256, n % 256)).collect::<Vec<_>>();
    let read = json!(["domains:read"]);
    let cases = [
        (json!({"label": "", "scopes": read}), "label"),
        (json!({"label": "   ", "scopes": read}), "label"),
        (json!({"label": "x".repeat(256), "scopes": read}), "label"),
        (json!({"label": "two\nlines", "scopes": read}), "label"),
        (json!({"scopes": read}), "label"),
        (json!({"label": "x"}), "scopes"),
        (json!({"label": "x", "scopes": []}), "scopes"),
        (json!({"label": "x", "scopes": ["domains"]}), "scopes: “domains” is not a scope"),
        (json!({"label": "x", "scopes": ["smtp-credentials:read"]}), "is not a scope"),
        (json!({"label": "x", "scopes": ["domains:read", "domains:read"]}), "is there twice"),
        (
            json!({"label": "x", "scopes": ["webhooks:read:{shop.example}", "webhooks:read:{SHOP.example.}"]}),
            "is there twice",
        ),
        (
            json!({"label": "x", "scopes": ["webhooks:read:{other.example}"]}),
            "not a domain of this organization",
        ),
        (json!({"label": "x", "scopes": read, "ip_allow_list": ["0.0.0.0/0"]}), "ip_allow_list"),
        (json!({"label": "x", "scopes": read, "ip_allow_list": ["::/0"]}), "ip_allow_list"),
        (json!({"label": "x", "scopes": read, "ip_allow_list": ["10.0.0.0/33"]}), "10.0.0.0/33"),
        (json!({"label": "x", "scopes": read, "ip_allow_list": ["shop.example"]}), "shop.example"),
        (json!({"label": "x", "scopes": read, "ip_allow_list": many(101)}), "at most 100"),
        (json!({"label": "x", "scopes": read, "ip_allow_list": null}), "ip_allow_list"),
        (json!({"label": "x", "scopes": read, "colour": "red"}), "colour"),
    ];
    for (body, named) in cases {
        let told = program.post(PATH, &body).await;
        assert!(told.status == 400 && told.message().contains(named), "{body}: {told:?}");
    }
    let mut twice = many(100);
    twice.extend(many(100));
    let told = program.post(PATH, &json!({"label": "x", "scopes": read, "ip_allow_list": twice})).await;
    assert_eq!(told.status, 201, "100 after those that are there twice: {told:?}");
    assert_eq!(listed(&program).await, ["x", "Deployment"]);
}

#[tokio::test]
async fn scopes_of_single_domains_name_them_and_go_with_them() {
    let app = TestApp::start().await;
    let shop = app.unverified("shop.example").await;
    app.unverified("news.example").await;
    let program = Program::with(&app, &["*"]).await;
    let scopes = [
        "webhooks:read:{news.example}",
        "webhooks:write:all",
        "webhooks:write:{shop.example}",
        "messages:read:{Shop.Example.}",
    ];
    let created = program.post(PATH, &json!({"label": "Shop", "scopes": scopes})).await;
    let kept = ["messages:read:{shop.example}", "webhooks:read:{news.example}", "webhooks:write:all"];
    assert_eq!(scopes_of(&created.body), kept, "a global scope swallows those of its domains");
    assert_eq!(created.body["scopes"][0]["domain_id"], shop.to_string());

    let actor = app.operator().await;
    let mut tx = app.app.db.begin().await.unwrap();
    Domain::remove(&mut tx, &actor, shop, 0).await.unwrap();
    tx.commit().await.unwrap();
    let after = program.get(&path_of(&created.body)).await;
    assert_eq!(scopes_of(&after.body), kept[1..], "they go with the domain");
    app.unverified("shop.example").await;
    let again = program.get(&path_of(&created.body)).await;
    assert_eq!(scopes_of(&again.body), kept[1..], "and don't come back with another of its name");
    let activity = app.alice().await.page("/activity").await;
    assert!(activity.contains("Edited API key"), "{activity}");
}

#[tokio::test]
async fn an_allow_list_holds_for_every_request() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let here = program.at(NEXT_DOOR);
    let given = ["127.0.0.2", "2001:DB8::1", "10.1.2.3/8", "127.0.0.2/32", "::ffff:192.0.2.7"];
    let body = json!({"label": "Shop", "scopes": ["*"], "ip_allow_list": given});
    let created = program.post(PATH, &body).await;
    assert_eq!(
        created.body["ip_allow_list"],
        json!(["10.0.0.0/8", "127.0.0.2/32", "192.0.2.7/32", "2001:db8::1/128"]),
        "as networks, each once"
    );
    let shop = program.with_secret(created.body["secret_key"].as_str().unwrap());
    for path in ["/v2/ping", PATH, "/smtp-credentials"] {
        let refused = shop.get(path).await;
        assert_eq!((refused.status, refused.message().contains("127.0.0.1")), (403, true), "{refused:?}");
    }
    assert_eq!(shop.at(NEXT_DOOR).get("/v2/ping").await.status, 200);
    assert!(program.get(&path_of(&created.body)).await.body["last_used_at"].is_string());

    let one = path_of(&created.body);
    assert_eq!(here.put(&one, &json!({"ip_allow_list": ["127.0.0.1"]})).await.status, 200, "it is another's");
    assert_eq!(shop.get("/v2/ping").await.status, 200);
    assert_eq!(shop.at(NEXT_DOOR).get("/v2/ping").await.status, 403);
}

#[tokio::test]
async fn a_key_does_not_lock_itself_out() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let created = program.post(PATH, &json!({"label": "Shop", "scopes": ["*"]})).await;
    let shop = program.with_secret(created.body["secret_key"].as_str().unwrap());
    let one = path_of(&created.body);
    let refused = shop.put(&one, &json!({"ip_allow_list": ["192.0.2.0/24"]})).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.message().starts_with("ip_allow_list: It would lock you out"), "{refused:?}");
    assert_eq!(program.get(&one).await.body["ip_allow_list"], json!([]), "nothing was changed");
    let kept = shop.put(&one, &json!({"ip_allow_list": ["192.0.2.0/24", "127.0.0.0/24"]})).await;
    assert_eq!(kept.status, 200, "{kept:?}");
    assert_eq!(shop.get("/v2/ping").await.status, 200);
    // What it makes for others may be for other places.
    let other = json!({"label": "Elsewhere", "scopes": ["*"], "ip_allow_list": ["192.0.2.0/24"]});
    assert_eq!(shop.post(PATH, &other).await.status, 201);
}

#[tokio::test]
async fn a_key_that_is_bound_to_addresses_frees_neither_itself_nor_another() {
    let app = TestApp::start().await;
    let free = Program::with(&app, &["*"]).await;
    let make = async |program: &Program, networks: Value| {
        program.post(PATH, &json!({"label": "Made", "scopes": ["*"], "ip_allow_list": networks})).await
    };
    let created = make(&free, json!(["127.0.0.0/24", "10.0.0.0/8"])).await;
    let bound = free.with_secret(created.body["secret_key"].as_str().unwrap());
    for beyond in [json!([]), json!(["127.0.0.0/16"]), json!(["10.1.0.0/16", "192.0.2.1"])] {
        let refused = make(&bound, beyond.clone()).await;
        assert!(refused.status == 403 && refused.message().starts_with("ip_allow_list: "), "{refused:?}");
        let refused = bound.put(&path_of(&created.body), &json!({"ip_allow_list": beyond})).await;
        assert_eq!(refused.status, 403, "{refused:?}");
    }
    let made = make(&bound, json!(["127.0.0.1", "10.1.0.0/16"])).await;
    assert_eq!(made.status, 201, "{made:?}");
    let other = make(&free, json!(["192.0.2.1"])).await;
    let renamed = bound.put(&path_of(&other.body), &json!({"label": "Renamed"})).await;
    assert_eq!(renamed.status, 200, "its list stays as it is: {renamed:?}");
    let weaker = json!({"label": "Weaker", "scopes": ["domains:read"]});
    let anywhere = free.post(PATH, &weaker).await;
    let given = json!({"scopes": ["domains:read", "api-keys:read"]});
    let refused = bound.put(&path_of(&anywhere.body), &given).await;
    assert_eq!(refused.status, 403, "what it gives would work from anywhere: {refused:?}");
    let taken = bound.put(&path_of(&anywhere.body), &json!({"scopes": []})).await;
    assert_eq!(taken.status, 400, "{taken:?}");
}

#[tokio::test]
async fn a_key_gives_no_more_than_it_has() {
    let app = TestApp::start().await;
    app.unverified("shop.example").await;
    let strong = Program::with(&app, &["*"]).await;
    let weak = Program::with(&app, &["api-keys:write", "domains:read", "webhooks:read:all"]).await;
    let own = ["domains:read", "webhooks:read:all", "webhooks:read:{shop.example}", "api-keys:write"];
    for scope in own {
        let told = weak.post(PATH, &json!({"label": "Given", "scopes": [scope]})).await;
        assert_eq!(told.status, 201, "{scope}: {told:?}");
    }
    let beyond = ["*", "domains:write", "api-keys:delete", "webhooks:write:{shop.example}"];
    for scope in beyond {
        let told = weak.post(PATH, &json!({"label": "Taken", "scopes": ["domains:read", scope]})).await;
        assert_eq!((told.status, told.message().contains(scope)), (403, true), "{scope}: {told:?}");
    }
    assert!(!listed(&strong).await.contains(&"Taken".to_owned()));

    let mine = strong.get(PATH).await.body["data"].as_array().unwrap().iter().rev().nth(1).unwrap().clone();
    let refused = weak.put(&path_of(&mine), &json!({"scopes": ["*"]})).await;
    assert_eq!(refused.status, 403, "not even itself: {refused:?}");
}

#[tokio::test]
async fn a_key_has_no_hand_in_a_key_that_may_do_more() {
    let app = TestApp::start().await;
    let strong = Program::with(&app, &["*"]).await;
    let own = ["api-keys:write", "api-keys:delete", "domains:read"];
    let weak = Program::with(&app, &own).await;
    let fenced = json!({"label": "Shop", "scopes": ["*"], "ip_allow_list": ["192.0.2.0/24"]});
    let shop = path_of(&strong.post(PATH, &fenced).await.body);
    for change in [
        json!({"ip_allow_list": []}),
        json!({"label": "Store"}),
        json!({"scopes": ["domains:read"]}),
        json!({"scopes": ["domains:read", "*"]}),
    ] {
        let refused = weak.put(&shop, &change).await;
        assert_eq!((refused.status, refused.message().contains("“*”")), (403, true), "{change}: {refused:?}");
    }
    let refused = weak.delete(&shop).await;
    assert_eq!((refused.status, refused.message().contains("“*”")), (403, true), "{refused:?}");
    let kept = strong.get(&shop).await;
    assert_eq!(
        (&kept.body["label"], &kept.body["ip_allow_list"]),
        (&json!("Shop"), &json!(["192.0.2.0/24"]))
    );

    let equal = path_of(&strong.post(PATH, &json!({"label": "Equal", "scopes": own})).await.body);
    assert_eq!(weak.put(&equal, &json!({"ip_allow_list": ["10.0.0.0/8"]})).await.status, 200);
    assert_eq!(weak.delete(&equal).await.status, 200);
    assert_eq!(strong.delete(&shop).await.status, 200);
}

#[tokio::test]
async fn the_last_use_is_told_to_five_minutes() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let used = async || {
        let told = program.get(PATH).await;
        told.body["data"][0]["last_used_at"].as_str().expect("it is used right now").to_owned()
    };
    let first = used().await;
    app.clock.advance(Duration::from_secs(240));
    assert_eq!(used().await, first);
    app.clock.advance(Duration::from_secs(61));
    assert_ne!(used().await, first);
}

#[tokio::test]
async fn a_bearer_that_is_none_is_told_so() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let (malformed, invalid) = ("Missing or malformed bearer token", "Invalid API key");
    let key = program.key();
    for (header, message) in [
        (String::new(), malformed),
        ("Bearer".to_owned(), malformed),
        ("Bearer ".to_owned(), malformed),
        (key.to_owned(), malformed),
        (format!("Basic {key}"), malformed),
        (format!("Bearer {key} {key}"), malformed),
        (format!("Bearer {}", "x".repeat(201)), malformed),
        (format!("Bearer {}", &key[..key.len() - 1]), invalid),
        (format!("Bearer {}", key.to_uppercase()), invalid),
        ("Bearer sk_00000000000000000000000000000000".to_owned(), invalid),
    ] {
        let request = reqwest::Client::new().get(format!("{}/v2/ping", app.url));
        let told = Told::of(request.header("authorization", &header)).await;
        assert_eq!((told.status, told.message()), (401, message), "{header}");
    }
    let request = reqwest::Client::new().get(format!("{}/v2/ping", app.url));
    let twice = request.bearer_auth(key).header("authorization", format!("Bearer {key}"));
    assert_eq!(Told::of(twice).await.status, 401, "which of them?");
    let request = reqwest::Client::new().get(format!("{}/v2/ping", app.url));
    assert_eq!(Told::of(request.header("authorization", format!("bearer {key}"))).await.status, 200);
}

#[tokio::test]
async fn a_key_knows_nothing_of_other_accounts() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let foreign = program.post(PATH, &json!({"label": "Foreign", "scopes": ["*"]})).await;
    let other = "01930000-0000-7000-8000-00000000000f";
    for sql in [
        format!("INSERT INTO organizations (id, name, created_at) VALUES ('{other}', 'Other Inc', 0)"),
        format!("UPDATE api_keys SET organization = '{other}' WHERE label = 'Foreign'"),
    ] {
        app.installation.database().execute(&sql).await;
    }
    let one = path_of(&foreign.body);
    assert_eq!(program.get(&one).await.status, 404);
    assert_eq!(program.put(&one, &json!({"label": "Mine"})).await.status, 404);
    assert_eq!(program.delete(&one).await.status, 404);
    assert_eq!(listed(&program).await, ["Deployment"]);
    let refused = program.get(&format!("/v2/accounts/{other}/api-keys")).await;
    assert_eq!((refused.status, refused.message()), (403, "this API key belongs to another account"));
    assert_eq!(program.get("/v2/accounts/mine/api-keys").await.message(), "invalid account_id");
    assert_eq!(program.get("/api-keys/1").await.message(), "invalid key_id");
}

#[tokio::test]
async fn a_creation_that_is_repeated_gives_the_same_key_for_five_minutes() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let create = async || {
        let request = program.request(Method::POST, PATH).header("content-type", "application/json");
        let body = r#"{"label": "Shop", "scopes": ["domains:read"]}"#;
        Told::of(request.header("idempotency-key", "deploy-1").body(body)).await
    };
    let (first, again) = (create().await, create().await);
    assert_eq!((first.status, &first.body), (201, &again.body));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let secret = first.body["secret_key"].as_str().unwrap();
    let sql = "SELECT body FROM idempotent_answers UNION ALL SELECT key_hash FROM api_keys \
               UNION ALL SELECT detail FROM events";
    let kept: Vec<String> =
        sqlx::query_scalar(sql).fetch_all(&mut *app.app.db.read().await.unwrap()).await.unwrap();
    assert!(
        kept.len() >= 4 && !kept.iter().any(|text| text.contains(secret)),
        "nothing keeps it in clear: {kept:?}"
    );
    app.clock.advance(Duration::from_secs(301));
    assert_ne!(create().await.body["secret_key"], secret, "the answer was forgotten: a new key");
}

#[tokio::test]
async fn the_list_is_walked_by_cursors() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    for number in 0..5 {
        app.clock.advance(Duration::from_secs(1));
        let draft = Draft {
            label: number.to_string(),
            scopes: vec!["domains:read".to_owned()],
            networks: Vec::new(),
        };
        let actor = app.operator().await;
        let mut tx = app.app.db.begin().await.unwrap();
        ApiKey::create(&mut tx, &actor, &draft).await.unwrap();
        tx.commit().await.unwrap();
    }
    let labels = |told: &Told| {
        let keys = told.body["data"].as_array().unwrap().clone();
        keys.iter().map(|key| key["label"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = program.get(&format!("{PATH}?limit=4")).await;
    assert_eq!(labels(&first), ["4", "3", "2", "1"]);
    assert_eq!(first.body["pagination"]["has_more"], true);
    let next = first.body["pagination"]["next_cursor"].as_str().unwrap();
    let second = program.get(&format!("{PATH}?limit=4&after={next}")).await;
    assert_eq!(labels(&second), ["0", "Deployment"]);
    assert_eq!(second.body["pagination"]["has_more"], false);
    let previous = second.body["pagination"]["previous_cursor"].as_str().unwrap();
    assert_eq!(labels(&program.get(&format!("{PATH}?limit=4&before={previous}")).await), labels(&first));
    for query in ["limit=0", "limit=101", "limit=x", "after=x", "before=x"] {
        assert_eq!(program.get(&format!("{PATH}?{query}")).await.status, 400, "{query}");
    }
}
