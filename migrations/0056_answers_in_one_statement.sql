-- Keeps what a buyer has told about a cart. One statement that is its own transaction: nothing that can be slow, or die, lies
-- between the first row that it locks and its commit, so no batch that orders the cart waits for a buyer.
create function save_cart_answers(
    of_event bigint, of_cart text, positions bigint[], names text[], emails text[], companies text[],
    answered bigint[], questions bigint[], texts text[])
returns void language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
    -- In the order in which a batch takes them.
    perform from cart_position c where c.event_id = of_event and c.cart_id = of_cart order by c.id for no key update;

    update cart_position c set attendee_name = a.name, attendee_email = a.email, company = a.company
      from unnest(positions, names, emails, companies) as a (id, name, email, company)
     where c.event_id = of_event and c.cart_id = of_cart and c.id = a.id;

    delete from answer a using cart_position c
     where a.event_id = of_event and c.event_id = of_event and c.cart_id = of_cart and a.cart_position_id = c.id;

    -- Only files of the cart itself, whatever stands in an answer.
    insert into answer (event_id, cart_position_id, question_id, answer, file_id)
    select of_event, c.id, a.question_id, a.answer, f.id
      from unnest(answered, questions, texts) as a (cart_position_id, question_id, answer)
      join cart_position c on c.event_id = of_event and c.cart_id = of_cart and c.id = a.cart_position_id
      left join answer_file f on f.event_id = of_event and f.cart_id = of_cart
           and a.answer = 'file:' || f.id || '/' || f.file_name;

    update answer_file f set expires_at = null
     where f.event_id = of_event and f.cart_id = of_cart and f.expires_at is not null
       and exists (select from answer a where a.event_id = of_event and a.file_id = f.id);
end $$;
