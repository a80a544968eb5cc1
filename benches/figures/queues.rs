//! Confirmed messages a second to each kind of broker, beside a bare loop of the same client library
//! against the same server with as many in flight.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use async_nats::jetstream;
use futures_util::StreamExt as _;
use lapin::BasicProperties;
use lapin::Confirmation;
use lapin::options::BasicPublishOptions;
use lapin::options::ConfirmSelectOptions;
use lapin::options::QueueDeclareOptions;
use lapin::options::QueuePurgeOptions;
use lapin::types::FieldTable;
use rumqttc::v5;
use serde_json::Value;
use serde_json::json;

use super::brokers::ADMIN;
use super::brokers::Mosquitto;
use super::brokers::NatsServer;
use super::brokers::PASSWORD;
use super::brokers::PostgresServer;
use super::brokers::Rabbit;
use super::brokers::RedisServer;
use super::load::exchange;
use super::options::Options;
use super::payload::EVENT_BYTES;
use super::payload::Payload;
use super::server::Server;
use super::statistics::median;
use super::statistics::rate;
use super::table::Row;
use super::table::Table;
use super::wire::Wire;

/// Messages in flight: what a route has by default.
const CONCURRENCY: usize = 32;
/// The least part of the loop's messages.
const BAR: f64 = 0.6;
const RULE: &str = "/v1/buses/default/rules/orders";
/// Events of a batch.
const BATCH: u64 = 500;
/// Messages that have not been confirmed after this long never will be.
const PATIENCE: Duration = Duration::from_mins(2);

/// A broker of any kind.
enum Broker {
    Amqp(Rabbit),
    Nats(NatsServer),
    Redis(RedisServer),
    Mqtt(Mosquitto),
    Postgres(PostgresServer),
}

/// Measures all kinds, each round beside a round of the loop.
pub(crate) async fn measure(options: &Options, table: &mut Table) {
    let brokers = [
        Broker::Amqp(Rabbit::start().await),
        Broker::Nats(NatsServer::start().await),
        Broker::Redis(RedisServer::start().await),
        Broker::Mqtt(Mosquitto::start().await),
        Broker::Postgres(PostgresServer::start().await),
    ];
    for broker in brokers {
        broker.prepare().await;
        let (mut own, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..options.rounds() {
            let messages = options.deliveries() / 10;
            broker.empty().await;
            let looped = broker.bare(messages).await;
            broker.empty().await;
            let delivered = deliveries(&broker, messages).await;
            own.push(delivered);
            bare.push(looped);
            ratios.push(delivered / looped);
        }
        let ratio = median(ratios);
        table.add(Row {
            name: format!("messages to {}", broker.name()),
            rate: Some(median(own)),
            bar: Some((
                format!("{ratio:.2} of the bare loop"),
                format!("at least {BAR}"),
                ratio >= BAR,
            )),
            ..Row::default()
        });
        table.add(Row {
            name: format!("  bare loop, {CONCURRENCY} in flight"),
            rate: Some(median(bare)),
            ..Row::default()
        });
    }
}

/// Publishes so many events; messages a second from the moment when the rule goes on.
async fn deliveries(broker: &Broker, messages: u64) -> f64 {
    let server = Server::start(None).await;
    let rules = json!({ "rules": [{
        "name": "orders", "match": { "type": ["com.example.order.placed"] },
        "targets": [{ "name": "broker", "queue": broker.queue() }],
    }] });
    server.apply(&rules.to_string()).await;
    let mut wire = Wire::connect(server.address).await.expect("a connection");
    let mut batch = Payload::batch(usize::try_from(BATCH.min(messages)).expect("a count"));
    // As the loop does, it connects before anything counts.
    exchange(&mut wire, batch.fresh()).await;
    reached(&server, batch.events()).await;
    server.call("POST", &format!("{RULE}/pause"), &json!({})).await;
    let batches = messages.div_ceil(batch.events());
    for _ in 0..batches {
        exchange(&mut wire, batch.fresh()).await;
    }
    let started = Instant::now();
    server.call("POST", &format!("{RULE}/resume"), &json!({})).await;
    reached(&server, (1 + batches) * batch.events()).await;
    rate(batches * batch.events(), started.elapsed())
}

/// Waits until so many have been delivered.
async fn reached(server: &Server, count: u64) {
    let waiting = async {
        let mut again = tokio::time::interval(Duration::from_millis(5));
        loop {
            again.tick().await;
            let route = server.get("/v1/routes/orders/broker").await;
            if route.get("delivered").and_then(Value::as_u64) >= Some(count) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("all are delivered");
}

/// Does something so many times, so many at once.
async fn loop_of<F: Future<Output = ()>>(messages: u64, each: impl Fn(u64) -> F) -> f64 {
    let started = Instant::now();
    futures_util::stream::iter(0..messages)
        .map(each)
        .buffer_unordered(CONCURRENCY)
        .for_each(async |()| ())
        .await;
    rate(messages, started.elapsed())
}

impl Broker {
    const fn name(&self) -> &'static str {
        match self {
            Self::Amqp(_) => "RabbitMQ",
            Self::Nats(_) => "NATS JetStream",
            Self::Redis(_) => "Redis, synced always",
            Self::Mqtt(_) => "Mosquitto, QoS 1",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    fn queue(&self) -> Value {
        match self {
            Self::Amqp(node) => json!({ "amqp": {
                "url": node.url().replace("://", "://guest:guest@"), "routing_key": "orders",
            } }),
            Self::Nats(server) => json!({ "nats": {
                "url": format!("nats://127.0.0.1:{}", server.port()), "subject": "orders",
            } }),
            Self::Redis(server) => json!({ "redis": {
                "url": format!("redis://127.0.0.1:{}", server.port()), "stream": "orders",
            } }),
            Self::Mqtt(broker) => json!({ "mqtt": { "url": broker.url(), "topic": "orders" } }),
            Self::Postgres(server) => json!({ "postgres": { "url": database(server), "table": "events" } }),
        }
    }

    /// Makes the place where messages go.
    async fn prepare(&self) {
        match self {
            Self::Amqp(node) => {
                let channel = channel(node).await;
                let declared = channel
                    .queue_declare(
                        "orders".into(),
                        QueueDeclareOptions::durable(),
                        FieldTable::default(),
                    )
                    .await;
                drop(declared.expect("a queue"));
            }
            Self::Nats(server) => drop(stream(server).await),
            Self::Redis(_) | Self::Mqtt(_) => {}
            Self::Postgres(server) => server.run(include_str!("../../docs/queue-table.sql")).await,
        }
    }

    /// Removes what is there.
    async fn empty(&self) {
        match self {
            Self::Amqp(node) => {
                let purged = channel(node)
                    .await
                    .queue_purge("orders".into(), QueuePurgeOptions::default())
                    .await;
                purged.expect("an empty queue");
            }
            Self::Nats(server) => drop(stream(server).await.purge().await.expect("an empty stream")),
            Self::Redis(server) => {
                let mut connection = redis_connection(server).await;
                let () = redis::cmd("DEL")
                    .arg("orders")
                    .query_async(&mut connection)
                    .await
                    .expect("an empty key");
            }
            Self::Mqtt(_) => {}
            Self::Postgres(server) => server.run("TRUNCATE events").await,
        }
    }

    /// Messages a second of the loop.
    async fn bare(&self, messages: u64) -> f64 {
        let body = vec![b'x'; EVENT_BYTES];
        match self {
            Self::Amqp(node) => amqp(node, messages, &body).await,
            Self::Nats(server) => nats(server, messages, body.into()).await,
            Self::Redis(server) => {
                let connection = redis_connection(server).await;
                loop_of(messages, |_| {
                    let mut connection = connection.clone();
                    let mut add = redis::cmd("XADD");
                    add.arg("orders").arg("*").arg("event").arg(&body);
                    async move {
                        let () = add.query_async(&mut connection).await.expect("an entry");
                    }
                })
                .await
            }
            Self::Mqtt(broker) => mqtt(broker, messages, &body).await,
            Self::Postgres(server) => postgres(server, messages, &body).await,
        }
    }
}

async fn channel(node: &Rabbit) -> lapin::Channel {
    let url = node.url().replace("://", "://guest:guest@");
    let connection = lapin::Connection::connect(&url, lapin::ConnectionProperties::default()).await;
    let connection = connection.expect("a connection");
    let channel = connection.create_channel().await.expect("a channel");
    // It lives as long as its channel is used, which is to the end of the process.
    std::mem::forget(connection);
    channel
}

async fn amqp(node: &Rabbit, messages: u64, body: &[u8]) -> f64 {
    let channel = channel(node).await;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await
        .expect("confirms");
    let options = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    let channel = &channel;
    loop_of(messages, |_| async move {
        let properties = BasicProperties::default().with_delivery_mode(2);
        let sent = channel
            .basic_publish("".into(), "orders".into(), options, body, properties)
            .await;
        let confirmed = sent.expect("sent").await.expect("confirmed");
        assert!(matches!(confirmed, Confirmation::Ack(None)));
    })
    .await
}

async fn stream(server: &NatsServer) -> jetstream::stream::Stream {
    let config = jetstream::stream::Config {
        name: "ORDERS".to_owned(),
        subjects: vec!["orders".to_owned()],
        ..jetstream::stream::Config::default()
    };
    let made = context(server).await.get_or_create_stream(config).await;
    made.expect("a stream")
}

async fn context(server: &NatsServer) -> jetstream::Context {
    let client = async_nats::connect(format!("127.0.0.1:{}", server.port())).await;
    jetstream::new(client.expect("a connection"))
}

async fn nats(server: &NatsServer, messages: u64, body: bytes::Bytes) -> f64 {
    let context = Arc::new(context(server).await);
    let run = std::process::id();
    loop_of(messages, |n| {
        let (context, body) = (Arc::clone(&context), body.clone());
        async move {
            let mut headers = async_nats::HeaderMap::new();
            headers.insert("Nats-Msg-Id", format!("{run}-{}-{n}", rand::random::<u64>()));
            let sent = context.publish_with_headers("orders", headers, body).await;
            drop(sent.expect("sent").await.expect("acknowledged"));
        }
    })
    .await
}

async fn redis_connection(server: &RedisServer) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", server.port())).expect("a URL");
    client
        .get_multiplexed_async_connection()
        .await
        .expect("a connection")
}

/// The library tells nobody which acknowledgement is whose: they are counted.
async fn mqtt(broker: &Mosquitto, messages: u64, body: &[u8]) -> f64 {
    let mut options = v5::MqttOptions::new("bare", "127.0.0.1", broker.port());
    options.set_outgoing_inflight_upper_limit(u16::try_from(CONCURRENCY).expect("a count"));
    let (client, mut events) = v5::AsyncClient::new(options, CONCURRENCY);
    let started = Instant::now();
    let publishing = async {
        for _ in 0..messages {
            let body = body.to_vec();
            client
                .publish("orders", v5::mqttbytes::QoS::AtLeastOnce, false, body)
                .await
                .expect("sent");
        }
    };
    let counting = async {
        let mut acknowledged = 0;
        while acknowledged < messages {
            let event = events.poll().await.expect("a connection");
            if let v5::Event::Incoming(v5::Incoming::PubAck(_)) = event {
                acknowledged += 1;
            }
        }
    };
    tokio::join!(publishing, counting);
    rate(messages, started.elapsed())
}

fn database(server: &PostgresServer) -> String {
    format!(
        "postgres://{ADMIN}:{PASSWORD}@127.0.0.1:{}/postgres?sslmode=disable",
        server.port()
    )
}

async fn postgres(server: &PostgresServer, messages: u64, body: &[u8]) -> f64 {
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", server.port()))
        .await
        .expect("a connection");
    let config: tokio_postgres::Config = database(server).parse().expect("a URL");
    let connected = config.connect_raw(stream, tokio_postgres::NoTls).await;
    let (client, connection) = connected.expect("a session");
    let mut driver = tokio::task::JoinSet::new();
    driver.spawn(connection);
    let insert = "INSERT INTO events (id, type, source, bus, hops, content_type, event) \
                  VALUES ($1, 'order', '/shop', 'default', 0::smallint, 'application/cloudevents+json', $2)";
    let insert = client.prepare(insert).await.expect("a statement");
    let (client, insert) = (&client, &insert);
    loop_of(messages, |n| async move {
        let id = format!("bare-{n}");
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&id, &body];
        client.execute(insert, &values).await.expect("a row");
    })
    .await
}
