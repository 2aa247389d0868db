//! Lists as the API answers them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::Page;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    object: ListObject,
    data: Vec<T>,
    pagination: PaginationInfo,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListObject {
    List,
}

/// Where the list goes on.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaginationInfo {
    /// Whether there is more in the direction that was asked for.
    has_more: bool,
    /// For `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
    /// For `before`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    previous_cursor: Option<String>,
}

impl<T> List<T> {
    /// `backward`: the page was asked for with `before`.
    pub fn new<Row>(page: Page<Row>, backward: bool, shown: impl Fn(Row) -> T) -> Self {
        let has_more = if backward { page.previous.is_some() } else { page.next.is_some() };
        let pagination = PaginationInfo { has_more, next_cursor: page.next, previous_cursor: page.previous };
        Self { object: ListObject::List, data: page.rows.into_iter().map(shown).collect(), pagination }
    }
}
