//! A plain client: it logs in, sends documents and gives back what came.

use std::sync::Once;

use administrate_sim::{Options, Profile, RunningSimulator, Simulator, Tenant};
use serde_json::{Value, json};

/// A simulator of a test's own, with a client logged in.
pub struct Client {
    pub simulator: RunningSimulator,
    pub http: reqwest::Client,
    pub token: String,
}

/// Status and JSON body; a body that is no JSON is null.
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

    /// Message of the first top-level error.
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
        let (status, answer) = self.request_token(&[("grant_type", "client_credentials")]).await;
        assert_eq!(status, 200, "{answer}");
        self.token = answer["access_token"].as_str().unwrap_or_default().to_owned();
    }

    /// A token request with the right credentials; later pairs win.
    pub async fn request_token(&self, pairs: &[(&str, &str)]) -> (u16, Value) {
        let mut form =
            vec![("client_id", self.simulator.client_id()), ("client_secret", self.simulator.client_secret())];
        form.extend_from_slice(pairs);
        let sent = self.http.post(format!("{}/token", self.simulator.auth_url())).form(&form).send().await;
        let response = sent.expect("the token endpoint answers");
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
        self.try_send(document, variables).await.expect("the simulator answers")
    }

    /// A document without variables that must succeed: what stands at a pointer of its data.
    pub async fn query(&self, document: &str, pointer: &str) -> Value {
        self.send(document, json!({})).await.data(pointer).clone()
    }
}

pub fn http() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Somebody else's being there first would do as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::new()
}

/// `nodes` of a connection.
pub fn nodes(connection: &Value) -> Vec<&Value> {
    connection["edges"].as_array().into_iter().flatten().map(|edge| &edge["node"]).collect()
}

/// One field of field_of_nodes node.
pub fn field_of_nodes(connection: &Value, field: &str) -> Vec<String> {
    nodes(connection).into_iter().map(|node| node[field].as_str().unwrap_or_default().to_owned()).collect()
}
