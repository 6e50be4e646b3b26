-- When a ticket is valid, and what it is blocked by: nothing, unless somebody says so.
alter table order_position
    add column valid_from timestamptz,
    add column valid_until timestamptz,
    add column blocks text[] not null default '{}';
