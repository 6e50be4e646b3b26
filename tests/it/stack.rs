//! The local stack starts, serves, stops, and finds its data again.

use local::stack::{Options, Stack, StackError};

use crate::shop::http_client;

async fn status(url: &str) -> u16 {
    http_client().build().unwrap().get(url).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_serves_the_demo_and_survives_a_restart() {
    let folder = std::env::temp_dir().join(format!("onsale-stack-{:08x}", rand::random::<u32>()));
    let options = Options::new(&folder);
    let stack = Stack::start(options.clone(), &|_| {}).await.unwrap();
    let demo = stack.demo.clone().unwrap();
    assert_eq!(status(&format!("{}{}", stack.shop_url, demo.shop_path)).await, 200);
    assert_eq!(status(&format!("{}/nobody/nothing/", stack.shop_url)).await, 404);
    assert_eq!(status(&format!("{}/_local/mailbox/", stack.shop_url)).await, 200);
    assert_eq!(status(&format!("{}/_local/other", stack.shop_url)).await, 404);

    let second = Stack::start(options.clone(), &|_| {}).await.err().unwrap();
    assert!(matches!(second, StackError::Data(_)), "{second}");
    let taken = stack.shop_url.rsplit(':').next().unwrap().parse().unwrap();
    let other = Options { port: taken, ..Options::new(folder.join("other")) };
    let refused = Stack::start(other, &|_| {}).await.err().unwrap();
    assert!(refused.to_string().contains(&format!("--port {}", taken + 1)), "{refused}");
    stack.stop().await;

    let again = Stack::start(options, &|_| {}).await.unwrap();
    assert_eq!(again.demo.as_ref().unwrap().api_token, demo.api_token);
    assert_eq!(status(&format!("{}{}", again.shop_url, demo.shop_path)).await, 200);
    again.stop().await;
    local::data::DataFolder::take(&folder).unwrap().clear().unwrap();
    assert!(!folder.exists());
}
