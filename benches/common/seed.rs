//! Credentials by the thousand, as an organization has them after two years: written straight into the table, because drawing
//! and hashing each password would take minutes and change nothing about a list.

use gatepost::clock::Timestamp;
use gatepost::db::Tx;
use gatepost::id::{CredentialId, DomainId, OrganizationId, PasswordId};
use sqlx::{AssertSqlSafe, Executor};

const BATCH: usize = 500;
const TWO_YEARS: i64 = 2 * 365 * 86_400 * 1_000_000;
/// Of the form and size of a stored hash; nobody logs in with it.
const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$eUV0m2u7r5BFOv8lN1yjgQ4vTQ5Dqj8pXk2w9bVfJ0s";

/// What a seventh of all credentials, a third, … have: spread over the table by `number`.
struct Row {
    number: usize,
    created_at: i64,
    now: i64,
}

pub async fn credentials(tx: &mut Tx, organization: OrganizationId, now: Timestamp, count: usize) {
    let domain = DomainId::new();
    let sql = format!(
        "INSERT INTO domains (id, organization, name, created_at, created_by) \
         VALUES ('{domain}', '{organization}', 'acme.example', 0, 'bench')"
    );
    tx.execute(AssertSqlSafe(sql)).await.expect("a domain");
    let now = now.as_micros();
    for from in (0..count).step_by(BATCH) {
        let (mut rows, mut scopes) = (Vec::new(), Vec::new());
        for number in from..count.min(from + BATCH) {
            let id = CredentialId::new();
            let created_at = now - TWO_YEARS
                + TWO_YEARS / i64::try_from(count).expect("a count")
                    * i64::try_from(number).expect("a number");
            let row = Row { number, created_at, now };
            rows.push(row.sql(id, organization));
            if row.is_scoped() {
                scopes.push(format!("('{organization}', '{id}', '{domain}')"));
            }
        }
        let sql = format!(
            "INSERT INTO credentials (id, organization, name, sort_name, username, status, mode, scope, password_id, \
             password_hash, created_at, created_by, updated_at, expires_at, expiry_noted, last_used_at, last_used_address, \
             last_used_door) VALUES {}",
            rows.join(", ")
        );
        tx.execute(AssertSqlSafe(sql)).await.expect("credentials");
        if !scopes.is_empty() {
            let sql = format!(
                "INSERT INTO credential_domains (organization, credential, domain) VALUES {}",
                scopes.join(", ")
            );
            tx.execute(AssertSqlSafe(sql)).await.expect("scopes");
        }
    }
}

impl Row {
    /// The same share of numbers for each `salt`, but others: so that what one filter takes is spread over what others take.
    fn is_one_in(&self, share: u64, salt: u64) -> bool {
        self.scrambled(salt).is_multiple_of(share)
    }

    /// SplitMix64's finalizer.
    fn scrambled(&self, salt: u64) -> u64 {
        let mut x = (self.number as u64).wrapping_add(salt << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn is_scoped(&self) -> bool {
        self.is_one_in(20, 4)
    }

    fn last_used_at(&self) -> i64 {
        match self.is_one_in(3, 3) {
            true => 0,
            false => {
                self.created_at
                    + i64::try_from(self.scrambled(5) % (TWO_YEARS as u64)).expect("in range")
                        % (self.now - self.created_at).max(1)
            }
        }
    }

    fn sql(&self, id: CredentialId, organization: OrganizationId) -> String {
        let Self { number, created_at, now } = *self;
        let name = if self.is_one_in(10, 0) {
            String::new()
        } else {
            format!("{:05x} shop {number}", self.scrambled(9) & 0xf_ffff)
        };
        let status = if self.is_one_in(10, 1) { "revoked" } else { "active" };
        let mode = if self.is_one_in(4, 2) { "sandbox" } else { "production" };
        let scope = if self.is_scoped() { "scoped" } else { "global" };
        let (expires_at, expiry_noted) = match (self.is_one_in(40, 6), self.is_one_in(2, 7)) {
            (false, _) => ("NULL".to_owned(), 0),
            (true, false) => ((now + TWO_YEARS).to_string(), 0),
            (true, true) => ((now - 1).to_string(), 1),
        };
        let used = self.last_used_at();
        let (address, door) = if used == 0 { ("", "") } else { ("203.0.113.7", "smtp") };
        let username = format!("smtp_{:016x}", self.scrambled(8));
        format!(
            "('{id}', '{organization}', '{name}', '{name}', '{username}', '{status}', '{mode}', '{scope}', '{}', '{HASH}', \
             {created_at}, 'bench', {created_at}, {expires_at}, {expiry_noted}, {used}, '{address}', '{door}')",
            PasswordId::new()
        )
    }
}
