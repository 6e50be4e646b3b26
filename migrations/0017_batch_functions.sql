-- What every batch reads, as functions: their plans are kept by the connection. Planning these two anew took longer than
-- running them.

-- Positions of carts, expired ones of others in portions (what is left over stays counted, which errs on the safe side),
-- and live ones whose voucher is about to change, or has expired, because they will be counted elsewhere; with what belongs
-- to them, because a deleted voucher takes them along.
create function cart_positions_of_batch(of_event bigint, carts text[], at timestamptz, changed_vouchers bigint[])
returns setof cart_position language plpgsql stable rows 100 set enable_seqscan = off as $$
begin
    return query
    select c.* from cart_position c where c.event_id = of_event and c.cart_id = any(carts)
    union
    (select c.* from cart_position c where c.event_id = of_event and c.holds_stock and c.expires_at <= at
      order by c.expires_at, c.id limit 1000)
    union
    select c.* from cart_position c
     where c.event_id = of_event
       and c.voucher_id = any(changed_vouchers || array(
               select v.id from voucher v where v.event_id = of_event and v.holds_stock and v.valid_until < at
                order by v.valid_until, v.id limit 1000))
    union
    select c.* from cart_position c join cart_position parent on parent.event_id = c.event_id and parent.id = c.addon_to
     where parent.event_id = of_event and parent.voucher_id = any(changed_vouchers);
end $$;

-- The vouchers with these codes or ids, those of the carts, of the orders and of expired carts, and those that keep places
-- though they have expired, in portions: what is left over keeps its places a little longer, which errs on the safe side.
create function vouchers_of_batch(
    of_event bigint, codes text[], ids bigint[], at timestamptz, carts text[], orders bigint[])
returns setof voucher language plpgsql stable rows 10 set enable_seqscan = off as $$
begin
    return query
    select v.* from voucher v where v.event_id = of_event and v.code = any(codes)
    union
    select v.* from voucher v
     where v.event_id = of_event
       and v.id = any(ids
               || array(select c.voucher_id from cart_position c
                         where c.event_id = of_event and c.cart_id = any(carts) and c.voucher_id is not null)
               || array(select e.voucher_id from (
                          select c.voucher_id from cart_position c
                           where c.event_id = of_event and c.holds_stock and c.expires_at <= at
                           order by c.expires_at, c.id limit 1000) as e where e.voucher_id is not null)
               || array(select op.voucher_id from order_position op
                         where op.event_id = of_event and op.order_id = any(orders) and op.voucher_id is not null)
               || array(select k.id from voucher k where k.event_id = of_event and k.holds_stock and k.valid_until < at
                         order by k.valid_until, k.id limit 1000));
end $$;
