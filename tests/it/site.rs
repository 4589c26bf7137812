//! A test server: the real HTTP server on a local socket.

use lectern::config::Config;
use lectern::http::state::ServerState;
use lectern::identity::{self, NewToken, Role};
use lectern::search::read_model::follow::Follower;
use lectern::serve;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::world::World;

/// A running server. It stops when it is dropped.
pub struct Site {
    pub follower: Follower,
    pub address: String,
    client: Client,
    _stop: DropGuard,
}

impl Site {
    /// Starts a server on the database of the fixture.
    pub async fn serve(world: &World) -> Site {
        Site::serve_with(world, &world.config(&[])).await
    }

    /// Starts a server with other settings.
    pub async fn serve_with(world: &World, config: &Config) -> Site {
        // Fails when another test has installed the provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = serve::cli::listen("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let follower = Follower::open(world.pool.clone()).await.expect("the catalogue");
        let stop = CancellationToken::new();
        tokio::spawn(follower.clone().follow(stop.clone()));
        let app = serve::cli::site(&ServerState::new(&world.pool, config, &stop), follower.clone());
        tokio::spawn(serve::serve(listener, app, stop.clone()));
        Site { follower, address, client: Client::new(), _stop: stop.drop_guard() }
    }

    /// Returns a request to a path.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().expect("a method");
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    /// Returns a request with a token of a role.
    pub async fn request_as(&self, world: &World, role: Role, method: &str, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth(token(world, role).await)
    }

    /// Runs a unified search and returns the response document.
    pub async fn search(&self, body: &Value) -> Value {
        let response = self.request("POST", "/api/search/unified/").json(body).send().await.expect("a response");
        assert_eq!(response.status(), 200);
        response.json().await.expect("JSON")
    }
}

/// Creates a token and returns its secret.
pub async fn token(world: &World, role: Role) -> String {
    let subject_id = role.has_subject().then_some(1);
    let new_token = NewToken { name: "a test".into(), role, subject_id, days: None };
    let (_, secret) = identity::create(&world.pool, &new_token).await.expect("a token");
    secret.reveal().to_owned()
}

/// Returns status and document of an error response, and checks that it is an RFC 9457 problem.
pub async fn problem(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json", "{status}");
    let document: Value = response.json().await.expect("JSON");
    assert_eq!(document["status"], status);
    (status, document)
}
