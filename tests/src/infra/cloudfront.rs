//! What stands before the API and the bucket when the shop has a domain.

use serde_json::{Value, json};

use super::parts::{Resources, get, reference, sub};

/// Policies that CloudFront has for everybody.
const CACHE_AS_ANSWERED: &str = "83da9c7e-98b4-4e11-a168-04f0df8e2c65";
const CACHE_NOTHING: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const CACHE_FILES: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
/// API Gateway knows itself only by its own name.
const ALL_BUT_HOST: &str = "b689b0a8-53d0-40ab-baf2-68738e2966ac";
/// A file of the bucket: what buyers see while the API is away.
const ERROR_PAGE: &str = "/pub/errors/unavailable.html";

/// What answers forms that are too large for Lambda. CloudFront has no error pages for 413, and API Gateway's HTTP APIs have none
/// at all.
pub fn large_form() -> String {
    let page = serde_json::to_string(local::gateway::LARGE_FORM).expect("text is JSON");
    let code = include_str!("../../../infra/large_form.js");
    code.replace("BYTES_MAX", &shop::http::FORM_BYTES_MAX.to_string()).replace("PAGE", &page)
}

/// Adds the distribution, and who may read the bucket.
pub fn add(resources: &mut Resources) {
    let mut conditional = |id: &str, mut resource: Value| {
        resource["Condition"] = json!("HasDomain");
        resources.add(id, resource);
    };
    conditional(
        "BucketAccess",
        json!({
            "Type": "AWS::CloudFront::OriginAccessControl",
            "Properties": { "OriginAccessControlConfig": {
                "Name": sub("onsale-${Stage}"),
                "OriginAccessControlOriginType": "s3",
                "SigningBehavior": "always",
                "SigningProtocol": "sigv4",
            } },
        }),
    );
    conditional(
        "SecurityHeaders",
        json!({
            "Type": "AWS::CloudFront::ResponseHeadersPolicy",
            "Properties": { "ResponseHeadersPolicyConfig": {
                "Name": sub("onsale-${Stage}"),
                "SecurityHeadersConfig": {
                    "StrictTransportSecurity": {
                        "AccessControlMaxAgeSec": 31_536_000, "IncludeSubdomains": false, "Preload": false, "Override": true,
                    },
                    "ContentTypeOptions": { "Override": true },
                    "FrameOptions": { "FrameOption": "DENY", "Override": false },
                    // Addresses of orders contain their secret.
                    "ReferrerPolicy": { "ReferrerPolicy": "same-origin", "Override": false },
                },
            } },
        }),
    );
    conditional(
        "LargeForm",
        json!({
            "Type": "AWS::CloudFront::Function",
            "Properties": {
                "Name": sub("onsale-${Stage}-large-form"),
                "AutoPublish": true,
                "FunctionConfig": { "Comment": "A page for those whose files are too large", "Runtime": "cloudfront-js-2.0" },
                "FunctionCode": large_form(),
            },
        }),
    );
    conditional(
        "Distribution",
        json!({ "Type": "AWS::CloudFront::Distribution", "Properties": { "DistributionConfig": config() } }),
    );
    let distribution = sub("arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}");
    let public = json!({
        "Sid": "PublicFilesThroughCloudFront",
        "Effect": "Allow",
        "Principal": { "Service": "cloudfront.amazonaws.com" },
        "Action": ["s3:GetObject"],
        "Resource": sub("arn:${AWS::Partition}:s3:::${MediaBucket}/pub/*"),
        "Condition": { "StringEquals": { "AWS:SourceArn": distribution } },
    });
    let unencrypted = json!({
        "Sid": "NothingUnencrypted",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:*"],
        "Resource": [sub("arn:${AWS::Partition}:s3:::${MediaBucket}"), sub("arn:${AWS::Partition}:s3:::${MediaBucket}/*")],
        "Condition": { "Bool": { "aws:SecureTransport": "false" } },
    });
    conditional(
        "MediaBucketPolicy",
        json!({
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": reference("MediaBucket"),
                "PolicyDocument": { "Version": "2012-10-17", "Statement": [public, unencrypted] },
            },
        }),
    );
}

fn config() -> Value {
    let behavior = |origin: &str, cache: &str, methods: &[&str]| {
        let mut behavior = json!({
            "TargetOriginId": origin,
            "ViewerProtocolPolicy": "redirect-to-https",
            "CachePolicyId": cache,
            "ResponseHeadersPolicyId": reference("SecurityHeaders"),
            "AllowedMethods": methods,
            "Compress": true,
        });
        if origin == "api" {
            behavior["OriginRequestPolicyId"] = json!(ALL_BUT_HOST);
        }
        behavior
    };
    let with_path = |path: &str, mut behavior: Value| {
        behavior["PathPattern"] = json!(path);
        behavior
    };
    let with_function = |mut behavior: Value| {
        let function = json!({ "EventType": "viewer-request", "FunctionARN": get("LargeForm", "FunctionARN") });
        behavior["FunctionAssociations"] = json!([function]);
        behavior
    };
    let all = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"];
    let read = ["GET", "HEAD"];
    // What the API itself answers, also "come again in a moment", reaches the buyer as it is.
    let error = |code: u16| json!({ "ErrorCode": code, "ResponseCode": 503, "ResponsePagePath": ERROR_PAGE, "ErrorCachingMinTTL": 1 });
    json!({
        "Enabled": true,
        "Comment": sub("onsale-${Stage}"),
        "HttpVersion": "http2and3",
        "IPV6Enabled": true,
        "PriceClass": "PriceClass_100",
        "Aliases": [reference("Domain")],
        "ViewerCertificate": {
            "AcmCertificateArn": reference("CertificateArn"),
            "SslSupportMethod": "sni-only",
            "MinimumProtocolVersion": "TLSv1.2_2021",
        },
        "Origins": [
            {
                "Id": "api",
                "DomainName": sub("${ApiId}.execute-api.${AWS::Region}.${AWS::URLSuffix}"),
                "CustomOriginConfig": { "OriginProtocolPolicy": "https-only", "OriginSSLProtocols": ["TLSv1.2"] },
            },
            {
                "Id": "files",
                "DomainName": sub("${MediaBucket}.s3.${AWS::Region}.${AWS::URLSuffix}"),
                "OriginAccessControlId": get("BucketAccess", "Id"),
                "S3OriginConfig": {},
            },
        ],
        "DefaultCacheBehavior": with_function(behavior("api", CACHE_NOTHING, &all)),
        "CacheBehaviors": [
            with_path("/static/*", behavior("api", CACHE_AS_ANSWERED, &read)),
            with_path("/pub/*", behavior("files", CACHE_FILES, &read)),
        ],
        "CustomErrorResponses": [error(502), error(504)],
    })
}
