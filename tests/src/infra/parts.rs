//! Pieces that templates are made of.

use serde_json::{Map, Value, json};

/// How long logs are kept.
const LOG_DAYS: u64 = 30;

/// The resources of a template under construction.
#[derive(Default)]
pub struct Resources(Map<String, Value>);

impl Resources {
    /// Adds one. Panics if its name is taken.
    pub fn add(&mut self, id: impl Into<String>, resource: Value) {
        let id = id.into();
        let known = self.0.insert(id.clone(), resource);
        assert!(known.is_none(), "two resources are called {id}");
    }

    /// All of them.
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}

/// A parameter without a default.
pub fn text(what: &str) -> Value {
    json!({ "Type": "String", "Description": what })
}

/// A parameter with a default.
pub fn text_or(what: &str, default: &str) -> Value {
    json!({ "Type": "String", "Description": what, "Default": default })
}

/// The parameter that is part of all names.
pub fn stage_parameter() -> Value {
    json!({
        "Type": "String",
        "Description": "Part of all names, such as production",
        "AllowedPattern": "[a-z][a-z0-9-]{0,15}",
    })
}

/// A condition: the parameter is not empty.
pub fn is_given(parameter: &str) -> Value {
    json!({ "Fn::Not": [{ "Fn::Equals": [reference(parameter), ""] }] })
}

/// An output.
pub fn output(what: &str, value: Value) -> Value {
    json!({ "Description": what, "Value": value })
}

/// A log group whose lines go away by themselves.
pub fn log_group(name: &str) -> Value {
    json!({
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": { "LogGroupName": sub(name), "RetentionInDays": LOG_DAYS },
    })
}

/// A role that a service assumes.
pub fn assume_role(service: &str, statements: Vec<Value>) -> Value {
    let assume = json!({ "Effect": "Allow", "Principal": { "Service": service }, "Action": "sts:AssumeRole" });
    let policy = json!({ "Version": "2012-10-17", "Statement": statements });
    json!({
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [assume] },
            "Policies": [{ "PolicyName": "rights", "PolicyDocument": policy }],
        },
    })
}

/// A statement of a policy.
pub fn allow(actions: &[&str], resource: Value) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resource })
}

/// `cart_add` → `CartAdd`: names of resources have no underscores.
pub fn id(name: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split(['_', '-']).map(capital).collect()
}

/// The ARN of the version of a function that serves.
pub fn function_arn(function: &str) -> Value {
    sub(&format!(
        "arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:onsale-${{Stage}}-{function}:{LIVE}"
    ))
}

/// The alias of the version that serves.
pub const LIVE: &str = "live";

/// `Ref`.
pub fn reference(id: &str) -> Value {
    json!({ "Ref": id })
}

/// `Fn::GetAtt`.
pub fn get(id: &str, attribute: &str) -> Value {
    json!({ "Fn::GetAtt": [id, attribute] })
}

/// The ARN of a resource.
pub fn arn(id: &str) -> Value {
    get(id, "Arn")
}

/// `Fn::Sub`.
pub fn sub(text: &str) -> Value {
    json!({ "Fn::Sub": text })
}
