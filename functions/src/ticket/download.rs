//! A ticket file that somebody asks for: one ticket, or all of an order in one file.

use super::{OrderSheets, can_download, file_name, files, order_file_name, positions_with_ticket, sql};
use crate::{
    catalogue::Catalogue,
    event::Event,
    order::{Order, Position},
    outbox::Message,
    port::db::{DbError, Query},
    time::Timestamp,
};

/// Which file of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The ticket of the position with this number.
    Number(i32),
    /// All tickets in one file.
    All,
}

/// A file that may be had now, whether it has been drawn or not.
#[derive(Debug)]
pub struct Download {
    /// The order.
    pub order: Order,
    /// One ticket, or all of the order.
    pub position: Option<Position>,
    /// Where the file lies, if it has been drawn.
    pub object_key: Option<String>,
}

impl Download {
    /// Looks for it; `None` if it cannot be had now.
    pub async fn find(
        q: &impl Query,
        event: &Event,
        catalogue: &Catalogue,
        order: Order,
        which: Which,
        now: Timestamp,
    ) -> Result<Option<Self>, DbError> {
        if !can_download(event, &order, now) {
            return Ok(None);
        }
        let number = match which {
            Which::Number(number) => number,
            Which::All => {
                let sheets = OrderSheets::of(event, catalogue, &order);
                if sheets.is_empty() {
                    return Ok(None);
                }
                let known = sql::order_file(q, event.id, order.id).await?;
                let object_key = known.filter(|key| *key == sheets.object_key);
                return Ok(Some(Self { order, position: None, object_key }));
            }
        };
        let position = positions_with_ticket(event, catalogue, &order).find(|it| it.number == number).cloned();
        let Some(position) = position else { return Ok(None) };
        let known = files(q, event, &order).await?.into_iter().find(|file| file.position == position.id);
        Ok(Some(Self { order, position: Some(position), object_key: known.map(|file| file.object_key) }))
    }

    /// What draws the file.
    pub fn message(&self) -> Message {
        match self.position {
            Some(_) => Message::RenderTickets { order: self.order.id, then_mail: None },
            None => Message::RenderOrder { order: self.order.id },
        }
    }

    /// What the file is called on somebody's disk.
    pub fn file_name(&self, event: &Event) -> String {
        match &self.position {
            Some(position) => file_name(event, &self.order, position),
            None => order_file_name(event, &self.order),
        }
    }
}
