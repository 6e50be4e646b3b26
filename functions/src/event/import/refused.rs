//! What the REST API knows and the shop cannot do yet: `(field, harmless value)`. A document that uses one of these is
//! refused by name, because an event that sells by other rules than its organiser wrote down is worse than none.
//! An empty value (null, "", [], {}) is harmless everywhere.

pub(super) const DOCUMENT: &[(&str, &str)] = &[
    ("seats", ""),
    ("giftcards", ""),
    ("membershiptypes", ""),
    ("memberships", ""),
    ("waitinglistentries", ""),
    ("checkinlists", ""),
    ("orders", ""),
];

/// `plugins` is not here: which modules the reference had loaded says nothing that the settings do not say.
pub(super) const EVENT: &[(&str, &str)] = &[
    ("seating_plan", ""),
    ("seat_category_mapping", ""),
    ("meta_data", ""),
    ("item_meta_properties", ""),
    ("geo_lat", ""),
    ("geo_lon", ""),
    ("all_sales_channels", "true"),
    ("limit_sales_channels", ""),
    ("sales_channels", r#"["web"]"#),
];

pub(super) const TAX_RULE: &[(&str, &str)] = &[
    // The home country and keeping the gross price matter only together with these two.
    ("eu_reverse_charge", "false"),
    ("custom_rules", ""),
    ("internal_name", ""),
];

pub(super) const CATEGORY: &[(&str, &str)] = &[("cross_selling_mode", "")];

pub(super) const ITEM: &[(&str, &str)] = &[
    ("free_price_suggestion", ""),
    ("picture", ""),
    ("require_approval", "false"),
    ("checkin_attention", "false"),
    ("checkin_text", ""),
    ("program_times", ""),
    ("hidden_if_available", ""),
    ("hidden_if_item_available", ""),
    ("issue_giftcard", "false"),
    ("meta_data", ""),
    ("require_membership", "false"),
    ("require_membership_types", ""),
    ("grant_membership_type", ""),
    ("validity_mode", ""),
    ("media_policy", ""),
    ("media_type", ""),
];

pub(super) const VARIATION: &[(&str, &str)] = &[
    ("free_price_suggestion", ""),
    ("require_approval", "false"),
    ("require_membership", "false"),
    ("require_membership_types", ""),
    ("checkin_attention", "false"),
    ("checkin_text", ""),
    ("meta_data", ""),
];

pub(super) const QUOTA: &[(&str, &str)] = &[("release_after_exit", "false")];

pub(super) const QUESTION: &[(&str, &str)] = &[
    ("ask_during_checkin", "false"),
    ("show_during_checkin", "false"),
    ("print_on_invoice", "false"),
    ("valid_number_min", ""),
    ("valid_number_max", ""),
    ("valid_date_min", ""),
    ("valid_date_max", ""),
    ("valid_datetime_min", ""),
    ("valid_datetime_max", ""),
    ("valid_string_length_min", ""),
    ("valid_string_length_max", ""),
    ("valid_file_portrait", "false"),
    ("container_type", "orderposition"),
];

/// Settings that would change how the shop sells, asks or pays back. What only changes its looks has no effect here and
/// is kept with the event.
pub(super) const SETTINGS: &[(&str, &str)] = &[
    ("attendee_addresses_asked", "false"),
    ("attendee_addresses_required", "false"),
    ("name_scheme", "full"),
    ("redirect_to_checkout_directly", "false"),
    ("waiting_list_enabled", "false"),
    ("payment_pending_hidden", "false"),
    ("ticket_download_require_validated_email", "false"),
    ("invoice_address_required", "false"),
    ("invoice_address_vatid", "false"),
    ("invoice_address_company_required", "false"),
    ("invoice_name_required", "false"),
    ("invoice_generate", "false"),
    ("cancel_allow_user_unpaid_keep", "0.00"),
    ("cancel_allow_user_unpaid_keep_fees", "0.00"),
    ("cancel_allow_user_unpaid_keep_percentage", "0.00"),
    ("cancel_allow_user_paid", "false"),
    ("change_allow_user_variation", "false"),
    ("change_allow_user_addons", "false"),
    ("change_allow_attendee", "false"),
];

/// Payment providers that the shop has. Gift cards are on by default in the reference, so that says nothing.
pub(super) const PROVIDERS: &[&str] = &["banktransfer", "manual", "giftcard"];

pub(super) const SUBEVENT: &[(&str, &str)] =
    &[("seating_plan", ""), ("seat_category_mapping", ""), ("meta_data", ""), ("geo_lat", ""), ("geo_lon", "")];

pub(super) const VOUCHER: &[(&str, &str)] = &[("seat", ""), ("redeemed", "0")];
