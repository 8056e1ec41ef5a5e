//! Indexes that show commits late.

use a2a_testworld::weather::{Spread, Weather};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::Select;

use crate::place::{BY_KIND, BY_OWNER, Item, Place, TABLE, item, key, s, seconds};

async fn lagging(by: f64) -> Place {
    let place = Place::new().await;
    place.proxy.set(Weather::clear().index_lag(Spread::exactly(seconds(by))));
    place
}

fn owned(place: &Place, owner: &str) -> QueryFluentBuilder {
    let query =
        place.client.query().table_name(TABLE).index_name(BY_OWNER).key_condition_expression("#o = :o");
    query.expression_attribute_names("#o", "owner").expression_attribute_values(":o", s(owner))
}

/// The partitions of the table whose items a query shows, in order.
async fn shown(query: QueryFluentBuilder) -> Vec<String> {
    let answer = query.send().await.unwrap();
    assert_eq!(answer.count, i32::try_from(answer.items().len()).unwrap());
    answer.items().iter().map(|item| item["pk"].as_s().unwrap().clone()).collect()
}

async fn write(place: &Place, pk: &str, owner: &str, at: &str, state: &str) {
    place.put(item(pk, "1", &[("owner", owner), ("at", at), ("state", state)])).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_commit_is_shown_after_the_lag_and_the_table_has_it_at_once() {
    let place = lagging(2.0).await;
    write(&place, "a", "ann", "1", "new").await;
    assert!(shown(owned(&place, "ann")).await.is_empty());
    let get = place.client.get_item().table_name(TABLE).set_key(Some(key("a", "1"))).send().await.unwrap();
    assert!(get.item.is_some());
    tokio::time::advance(seconds(1.9)).await;
    assert!(shown(owned(&place, "ann")).await.is_empty());
    tokio::time::advance(seconds(0.2)).await;
    assert_eq!(shown(owned(&place, "ann")).await, ["a"]);
    let delete = place.client.delete_item().table_name(TABLE).set_key(Some(key("a", "1")));
    delete.send().await.unwrap();
    assert_eq!(shown(owned(&place, "ann")).await, ["a"]);
    tokio::time::advance(seconds(2.1)).await;
    assert!(shown(owned(&place, "ann")).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_moves_is_shown_where_it_was_as_it_was() {
    let place = lagging(2.0).await;
    write(&place, "a", "ann", "1", "old").await;
    tokio::time::advance(seconds(3.0)).await;
    write(&place, "a", "ben", "2", "new").await;
    assert!(shown(owned(&place, "ben")).await.is_empty());
    let items = owned(&place, "ann").send().await.unwrap().items.unwrap();
    assert_eq!(items[0]["state"], s("old"));
    assert_eq!(items[0]["at"], s("1"));
    tokio::time::advance(seconds(2.0)).await;
    assert!(shown(owned(&place, "ann")).await.is_empty());
    assert_eq!(shown(owned(&place, "ben")).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn commits_of_one_item_are_shown_in_order() {
    let place = lagging(5.0).await;
    for (at, lag) in [("1", 5.0), ("2", 1.0)] {
        place.proxy.set(Weather::clear().index_lag(Spread::exactly(seconds(lag))));
        write(&place, "a", "ann", at, "new").await;
        tokio::time::advance(seconds(1.0)).await;
    }
    // The second would be seen by now, but waits for the first.
    assert!(shown(owned(&place, "ann")).await.is_empty());
    tokio::time::advance(seconds(3.5)).await;
    assert_eq!(owned(&place, "ann").send().await.unwrap().items()[0]["at"], s("2"));
}

#[tokio::test(start_paused = true)]
async fn what_is_put_back_is_sorted_filtered_projected_and_counted() {
    let place = lagging(2.0).await;
    for (pk, at) in [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")] {
        write(&place, pk, "ann", at, "open").await;
    }
    tokio::time::advance(seconds(3.0)).await;
    write(&place, "b", "ben", "2", "open").await;
    write(&place, "c", "ann", "3", "done").await;
    write(&place, "e", "ann", "0", "open").await;
    assert_eq!(shown(owned(&place, "ann")).await, ["a", "b", "c", "d"]);
    assert_eq!(shown(owned(&place, "ann").scan_index_forward(false)).await, ["d", "c", "b", "a"]);
    let range = || {
        let range = owned(&place, "ann").key_condition_expression("#o = :o AND #at BETWEEN :from AND :to");
        let range = range.expression_attribute_names("#at", "at");
        range.expression_attribute_values(":from", s("2")).expression_attribute_values(":to", s("3"))
    };
    assert_eq!(shown(range()).await, ["b", "c"]);
    let filtered = |state: &str| {
        let filtered = range().filter_expression("#s = :s").expression_attribute_names("#s", "state");
        filtered.expression_attribute_values(":s", s(state))
    };
    assert_eq!(shown(filtered("open")).await, ["b", "c"]);
    let none = filtered("done").send().await.unwrap();
    assert_eq!((none.count, none.scanned_count), (0, 2));
    let counted = filtered("open").select(Select::Count).send().await.unwrap();
    assert_eq!((counted.count, counted.scanned_count, counted.items), (2, 2, None));
    let projected = filtered("open").projection_expression("pk, #at").send().await.unwrap();
    let expected: Vec<Item> = [("b", "2"), ("c", "3")]
        .map(|(pk, at)| [("pk".to_owned(), s(pk)), ("at".to_owned(), s(at))].into())
        .into();
    assert_eq!(projected.items(), expected);
}

#[tokio::test(start_paused = true)]
async fn pages_have_every_entry_once() {
    let place = lagging(2.0).await;
    for n in 0..9 {
        write(&place, &format!("p{n}"), "ann", &n.to_string(), "open").await;
    }
    tokio::time::advance(seconds(3.0)).await;
    for n in [1, 4, 8] {
        write(&place, &format!("p{n}"), "ben", &n.to_string(), "open").await;
    }
    let (mut seen, mut from) = (Vec::new(), None);
    loop {
        let page = owned(&place, "ann").limit(2).set_exclusive_start_key(from).send().await.unwrap();
        assert!(page.items().len() <= 2);
        seen.extend(page.items().iter().map(|item| item["pk"].as_s().unwrap().clone()));
        from = page.last_evaluated_key;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..9).map(|n| format!("p{n}")).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_refused_or_changed_nothing_hides_nothing() {
    let place = lagging(1_000.0).await;
    place.proxy.set(Weather::clear());
    write(&place, "a", "ann", "1", "new").await;
    place.proxy.set(Weather::clear().index_lag(Spread::exactly(seconds(1_000.0))));
    let refused = place.client.delete_item().table_name(TABLE).set_key(Some(key("a", "1")));
    refused.condition_expression("attribute_exists(nothing)").send().await.unwrap_err();
    place
        .put(item("a", "1", &[("owner", "ann"), ("at", "1"), ("state", "new"), ("kind", "k")]))
        .await
        .unwrap();
    assert_eq!(shown(owned(&place, "ann")).await, ["a"]);
    let by_kind =
        place.client.query().table_name(TABLE).index_name(BY_KIND).key_condition_expression("kind = :k");
    assert!(shown(by_kind.expression_attribute_values(":k", s("k"))).await.is_empty());
    // Nothing waits for the lags that these writes would have had.
    place.proxy.set(Weather::clear().index_lag(Spread::exactly(seconds(1.0))));
    write(&place, "a", "ann", "1", "changed").await;
    tokio::time::advance(seconds(1.1)).await;
    assert_eq!(owned(&place, "ann").send().await.unwrap().items()[0]["state"], s("changed"));
}
