//! The API's reference: open to everybody, whole without JavaScript, and like every other page under axe-core's eyes.

use crate::support::{Browser, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_tells_of_every_operation_to_everybody() {
    let app = TestApp::start().await;
    let browser = Browser::open_without_scripts(&app.url).await;
    browser.goto("/docs/api").await;
    let document = gatepost::api::document();
    let mut operations = 0;
    for (path, item) in &document.paths.paths {
        let all = [&item.get, &item.post, &item.put, &item.patch, &item.delete];
        for operation in all.into_iter().flatten() {
            let id = operation.operation_id.as_deref().expect("an id");
            let text = browser.text_of(&format!("#{id}")).await;
            assert!(text.contains(path.as_str()) && text.contains("curl"), "{id}: {text}");
            operations += 1;
        }
    }
    assert!(operations > 20, "{operations}");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_looks_as_it_should_large_and_small_light_and_dark() {
    let app = TestApp::start().await;
    let mut browser = Browser::open(&app.url).await;
    browser.goto("/docs/api").await;
    browser.inspect("api-reference").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
