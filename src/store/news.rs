//! Hearing of changes that another server of the catalog made.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::Mutex;

use super::db::Db;
use super::db::Tx;
use super::statement::Statement;

/// Who hears nothing looks anyway after so long: a notification may be lost with its connection.
const LOOK: Duration = Duration::from_millis(500);
/// Where `PostgreSQL` tells of changes; the name is known to this database only.
const CHANNEL: &str = "tramline_catalog";

/// What hears of changes.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Kept while somebody waits, again and again.
    listener: Mutex<Option<PgListener>>,
}

impl News {
    /// Returns soon after a change in `PostgreSQL`, else after [`LOOK`]. Cancel-safe.
    pub(super) async fn wait(&self, db: &Db) {
        let told = async {
            if let Db::Pg(pool) = db
                && self.hear(pool).await.is_ok()
            {
                return;
            }
            // Nothing can be heard now.
            std::future::pending::<()>().await;
        };
        // Silence is no news, and a reason to look.
        drop(tokio::time::timeout(LOOK, told).await);
    }

    /// Gives its connection back.
    pub(super) async fn close(&self) {
        drop(self.listener.lock().await.take());
    }

    async fn hear(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut kept = self.listener.lock().await;
        let listener = if let Some(listener) = kept.as_mut() {
            listener
        } else {
            let mut listener = PgListener::connect_with(pool).await?;
            listener.listen(CHANNEL).await?;
            kept.insert(listener)
        };
        let heard = listener.try_recv().await;
        if !matches!(heard, Ok(Some(_))) {
            // The connection is gone: another one next time.
            *kept = None;
        }
        heard.map(drop)
    }
}

/// Tells the other servers, once the transaction is committed.
pub(super) async fn tell(tx: &mut Tx) -> Result<(), sqlx::Error> {
    if let Tx::Pg(_) = tx {
        let notify = Statement::new("SELECT pg_notify($1, $2)").bind(CHANNEL).bind("");
        tx.execute(notify).await?;
    }
    Ok(())
}
