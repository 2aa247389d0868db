//! One message, opened.

use crate::support::{Letter, TestApp};

#[tokio::test]
async fn alice_opens_a_message_and_sees_what_her_application_sent() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let fields = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nX-Order: 17\r\n";
    let body = "--b\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n\
        --a\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nDear Bob, the plain one.\r\n\
        --a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<h1>Dear Bob</h1><p>the <b>rich</b> one, <a href=\"https://acme.example/\">see here</a></p>\r\n\
        --a--\r\n\
        --b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"invoice.pdf\"\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n--b--\r\n";
    let letter = Letter { fields, body: body.as_bytes(), ..Letter::default() };
    let page = app.send(&shop, &letter).await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto("/messages").await;
    alice.click("Your order").await;
    alice.is_at(&page).await;
    for fact in
        ["bob@customer.example", "Shop", "Sandbox", "<1@acme.example>", "127.0.0.1", "shop.acme.example"]
    {
        alice.sees(fact).await;
    }
    alice.sees("invoice.pdf").await;
    alice.inspect("message-html").await;
    alice.click("Text").await;
    alice.sees("Dear Bob, the plain one.").await;
    alice.is_at(&format!("{page}?show=text")).await;
    alice.inspect("message-text").await;
    alice.click("Headers").await;
    alice.sees("X-Order").await;
    alice.sees("multipart/mixed; boundary=b").await;
    alice.inspect("message-headers").await;
    alice.click("Source").await;
    alice.sees("--b--").await;
    alice.inspect("message-source").await;
    let visitor = app.alice().await;
    let download = visitor.get(&format!("{page}/source")).await;
    assert_eq!(download.body, format!("{}{body}", letter.header()));
    let pdf = visitor.get(&format!("{page}/attachments/1")).await;
    assert_eq!((pdf.body.as_str(), pdf.header("content-type")), ("%PDF-1.4\n", "application/pdf"));
    alice.close().await;
}
