//! `gatepost user …`: people who log in to the dashboard.

use clap::Subcommand;

use super::{operator, output, read_password};
use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Problems, Result};
use crate::model::member::{NewMember, Role, check_new_password};
use crate::model::{Invitation, Member};
use crate::secret::Password;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a member; the password is asked for, or read from standard input. The first one becomes the owner
    Create {
        /// E-mail address to log in with
        email: String,
        /// How colleagues call them
        #[arg(long, default_value = "")]
        name: String,
    },
    /// Print a link by which somebody becomes a member: it works once, for 7 days
    Invite {
        /// E-mail address that they will log in with
        email: String,
        /// owner or member
        #[arg(long, default_value_t = Role::Member)]
        role: Role,
    },
    /// List the members
    List,
    /// Make a member an owner, or no longer one
    SetRole {
        /// E-mail address that they log in with
        email: String,
        /// owner or member
        role: Role,
    },
    /// Remove a member: their sessions end, and they can't log in any more
    Remove {
        /// E-mail address that they log in with
        email: String,
    },
    /// Set a member's password, asked for or read from standard input; all their sessions end
    SetPassword {
        /// E-mail address that they log in with
        email: String,
    },
}

pub async fn run(app: App, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create { email, name } => create(&app, email, name).await,
        Command::Invite { email, role } => invite(&app, &email, role).await,
        Command::List => list(&app).await,
        Command::SetRole { email, role } => set_role(&app, &email, role).await,
        Command::Remove { email } => remove(&app, &email).await,
        Command::SetPassword { email } => set_password(&app, &email).await,
    }
}

async fn create(app: &App, email: String, name: String) -> anyhow::Result<()> {
    let password = read_new_password(&email)?;
    let password_hash = app.hashing().hash(password).await?;
    let actor = operator(app).await?;
    let mut tx = app.db.begin().await?;
    let role = if Member::exists(&mut tx).await? { Role::Member } else { Role::Owner };
    let member = Member::create(&mut tx, &actor, NewMember { email, name, password_hash }, role).await?;
    tx.commit().await?;
    Ok(output::line(&format!("Created {} ({}).", member.email, member.role))?)
}

async fn invite(app: &App, email: &str, role: Role) -> anyhow::Result<()> {
    let actor = operator(app).await?;
    let mut tx = app.db.begin().await?;
    let issued = Invitation::create(&mut tx, &actor, email, role).await?;
    tx.commit().await?;
    Ok(output::line(&issued.link(app.public_url.as_str()))?)
}

async fn set_role(app: &App, email: &str, role: Role) -> anyhow::Result<()> {
    let actor = operator(app).await?;
    let mut tx = app.db.begin().await?;
    let member = find(&mut tx, email).await?;
    let member = Member::set_role(&mut tx, &actor, member.id, role).await?;
    tx.commit().await?;
    Ok(output::line(&format!("{} is {} now.", member.email, member.role.with_article()))?)
}

async fn remove(app: &App, email: &str) -> anyhow::Result<()> {
    let actor = operator(app).await?;
    let mut tx = app.db.begin().await?;
    let member = find(&mut tx, email).await?;
    Member::remove(&mut tx, &actor, member.id).await?;
    tx.commit().await?;
    Ok(output::line(&format!("Removed {}.", member.email))?)
}

async fn find(tx: &mut Tx, email: &str) -> Result<Member> {
    Ok(Member::by_email(tx, email).await?.ok_or(Error::NotFound("member"))?.member)
}

async fn list(app: &App) -> anyhow::Result<()> {
    let actor = operator(app).await?;
    let members = Member::all(&mut *app.db.read().await?, actor.organization).await?;
    let rows: Vec<_> = members
        .into_iter()
        .map(|member| vec![member.email, member.name, member.role.to_string(), member.created_at.to_string()])
        .collect();
    Ok(output::table(&["email", "name", "role", "created"], &rows)?)
}

async fn set_password(app: &App, email: &str) -> anyhow::Result<()> {
    let hash = app.hashing().hash(read_new_password(email)?).await?;
    let actor = operator(app).await?;
    let mut tx = app.db.begin().await?;
    let mut member = find(&mut tx, email).await?;
    let ended = member.set_password(&mut tx, &actor, &hash, "").await?;
    tx.commit().await?;
    Ok(output::line(&format!("Password of {} set; {ended} sessions ended.", member.email))?)
}

fn read_new_password(email: &str) -> Result<Password> {
    let password = read_password()?;
    let mut problems = Problems::default();
    check_new_password(&mut problems, "password", &password, email);
    problems.into_result()?;
    Ok(password)
}
