//! Tries requests from the standard input, as the tests of the guide do, and prints what it thinks of each.
//!
//! `{"sender": "https://…", "secret": "whsec_…", "requests": [{"method": …, "url": …, "headers": {…}, "body": base64}]}`

#![allow(clippy::print_stdout, reason = "that is what it is for")]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Request;
use podbell_client::{
    Client,
    webhook::{Refused, Verifier, verify_secret},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;

#[derive(Deserialize)]
struct Tried {
    sender: String,
    secret: String,
    requests: Vec<Given>,
}

/// A request as it came: the URL as the server calls it, the body in base64.
#[derive(Deserialize)]
struct Given {
    method: String,
    url: String,
    headers: HashMap<String, String>,
    body: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tried: Tried = serde_json::from_reader(std::io::stdin())?;
    let verifier = Verifier::new(&Client::builder().build()?, &tried.sender)?;
    let mut results = Vec::new();
    for given in tried.requests {
        let mut request = Request::builder().method(given.method.as_str()).uri(&given.url);
        for (name, value) in &given.headers {
            request = request.header(name, value);
        }
        let request = request.body(STANDARD.decode(given.body)?)?;
        let told = |result: Result<(), Refused>| result.map_or_else(|why| why.to_string(), |()| "good".to_owned());
        results.push(json!({
            "signature": told(verifier.verify(&request).await),
            "secret": told(verify_secret(&request, &tried.secret)),
        }));
    }
    println!("{}", Value::from(results));
    Ok(())
}
