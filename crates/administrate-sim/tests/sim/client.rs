//! A test client: logs in, sends documents and returns the raw responses.

use std::sync::Once;

use administrate_sim::{Options, Profile, RunningSimulator, Simulator, Tenant};
use serde_json::{Value, json};

/// A simulator for one test, with a logged-in client.
pub struct Client {
    pub simulator: RunningSimulator,
    pub http: reqwest::Client,
    pub token: String,
}

/// HTTP status and JSON body. A body that is not JSON becomes null.
#[derive(Debug, PartialEq)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
}

impl Reply {
    pub fn data(&self, pointer: &str) -> &Value {
        assert_eq!(self.body.get("errors"), None, "{self:?}");
        self.body["data"].pointer(pointer).unwrap_or(&Value::Null)
    }

    /// Returns the message of the first top-level error.
    pub fn error(&self) -> &str {
        self.body["errors"][0]["message"].as_str().unwrap_or_default()
    }
}

impl Client {
    pub async fn for_profile(profile: Profile, tenant: Tenant) -> Self {
        Self::start(Options { profile, ..Options::default() }, tenant).await
    }

    pub async fn sample() -> Self {
        Self::for_profile(Profile::CLASSIC, Tenant::sample()).await
    }

    pub async fn start(options: Options, tenant: Tenant) -> Self {
        let simulator = Simulator::start(options, tenant).await.expect("the simulator starts");
        let mut client = Self { simulator, http: http(), token: String::new() };
        client.log_in().await;
        client
    }

    pub async fn log_in(&mut self) {
        let (status, response) = self.request_token(&[("grant_type", "client_credentials")]).await;
        assert_eq!(status, 200, "{response}");
        self.token = response["access_token"].as_str().unwrap_or_default().to_owned();
    }

    /// Sends a token request with valid credentials. Later pairs override earlier ones.
    pub async fn request_token(&self, pairs: &[(&str, &str)]) -> (u16, Value) {
        let mut form =
            vec![("client_id", self.simulator.client_id()), ("client_secret", self.simulator.client_secret())];
        form.extend_from_slice(pairs);
        let result = self.http.post(format!("{}/token", self.simulator.auth_url())).form(&form).send().await;
        let response = result.expect("the token endpoint responds");
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    pub async fn try_send(&self, document: &str, variables: Value) -> reqwest::Result<Reply> {
        let body = json!({ "query": document, "variables": variables });
        let request = self.http.post(self.simulator.graphql_url()).bearer_auth(&self.token).json(&body);
        let response = request.send().await?;
        let status = response.status().as_u16();
        let body = response.bytes().await?;
        Ok(Reply { status, body: serde_json::from_slice(&body).unwrap_or_default() })
    }

    pub async fn send(&self, document: &str, variables: Value) -> Reply {
        self.try_send(document, variables).await.expect("the simulator responds")
    }

    /// Sends a document without variables that must succeed. Returns the value at a JSON pointer of its data.
    pub async fn query(&self, document: &str, pointer: &str) -> Value {
        self.send(document, json!({})).await.data(pointer).clone()
    }
}

pub fn http() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // An error means that another thread has installed a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::new()
}

/// Returns the nodes of a connection.
pub fn nodes(connection: &Value) -> Vec<&Value> {
    connection["edges"].as_array().into_iter().flatten().map(|edge| &edge["node"]).collect()
}

/// Returns one string field of each node.
pub fn field_of_nodes(connection: &Value, field: &str) -> Vec<String> {
    nodes(connection).into_iter().map(|node| node[field].as_str().unwrap_or_default().to_owned()).collect()
}
