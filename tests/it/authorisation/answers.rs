//! Whose files are whose.

use super::*;

/// An order gets a question that a file answers.
pub(super) async fn give_order_a_file(shop: &TestShop, code: &str) -> String {
    let id = format!("file-of-{code}");
    let give = format!(
        "with q as (insert into question (event_id, question, identifier, type)
                    select event_id, '{{\"en\": \"Card\"}}', code, 'F' from orders where code = '{code}' returning id, event_id),
              f as (insert into answer_file (id, event_id, cart_id, file_name, content_type, object_key, created_at)
                    select '{id}', event_id, 'a cart that is gone', 'card.pdf', 'application/pdf', 'answers/{id}', created_at
                      from orders where code = '{code}')
         insert into answer (event_id, position_id, question_id, answer, file_id)
         select q.event_id, op.id, q.id, 'file:{id}/card.pdf', '{id}'
           from q, order_position op join orders o on o.id = op.order_id where o.code = '{code}'"
    );
    shop.ctx.db().await.unwrap().script(&give).await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_cart_opens_in_its_browser_only() {
    let shop = town().await;
    let owner = ready(&shop, "/org/gig/", "Ticket").await;
    let give = "insert into answer_file (id, event_id, cart_id, file_name, content_type, object_key, created_at)
                select 'mine', event_id, cart_id, 'card.pdf', 'application/pdf', 'answers/mine', now() from cart_position";
    shop.ctx.db().await.unwrap().script(give).await.unwrap();
    let neighbour = ready(&shop, "/org/gig/", "Ticket").await;
    let foreign = ready(&shop, "/other/gig/", "Foreign Ticket").await;
    let right = Place { file: "mine".to_owned(), ..Place::of("org", "gig") };
    let wrong = [
        Place { file: "yours".to_owned(), ..right.clone() },
        Place { event: "matinee".to_owned(), ..right.clone() },
        Place { organizer: "other".to_owned(), ..right.clone() },
        Place { organizer: "nobody".to_owned(), ..right.clone() },
    ];
    for case in cases(|access| access == Access::Cart) {
        let before = fingerprint(&shop).await;
        assert_eq!(shop.buyer().get(&right.path(case)).await.status, case.nobody, "{case:?}");
        for stranger in [&neighbour, &foreign] {
            assert_eq!(stranger.get(&right.path(case)).await.status, case.stranger, "{case:?}");
        }
        for place in &wrong {
            assert_eq!(owner.get(&place.path(case)).await.status, case.stranger, "{}", place.path(case));
        }
        assert_eq!(owner.get(&right.path(case)).await.status, case.right, "{case:?}");
        assert_eq!(fingerprint(&shop).await, before, "looking changes nothing");
    }
}
