# Texts of the shop in English. The German file has the same keys; a test compares them.

## Every page
skip-link = Skip to content
trail-label = You are here
language-label = Language
footer-label = More
more-of = More events by { $name }
powered-by = Ticket shop by Onsale
test-mode = Test mode.
test-mode-text = Orders are not real, and tickets bought here will not get anyone in.
test-mode-label = TEST MODE
message-success = Done
message-warning = Please note
message-error = Error
continue = Continue
back = Back
modify = Modify
field-optional = optional
choose = Please choose
total = Total
price-each = each
tax-line = incl. { $rate } VAT ({ $amount })
products-count =
    { $count ->
        [one] { $count } product
       *[other] { $count } products
    }

## All organisers, and the events of one
home-heading = Organisers
home-empty = There are no events on sale at the moment.
upcoming-count =
    { $count ->
        [0] No upcoming events
        [one] { $count } upcoming event
       *[other] { $count } upcoming events
    }
events-upcoming = Upcoming events
events-past = Past events
events-upcoming-empty = No upcoming events at the moment.
events-past-empty = No past events.
show-past = Past events
show-upcoming = Upcoming events
pages-label = Pages
page-previous = Previous page
page-next = Next page
tickets = Tickets
more-info = More info
sale-buy = Buy now
sale-book = Book now
sale-few = Few tickets left
sale-reserved = Reserved
sale-sold-out = Sold out
sale-fully-booked = Fully booked
sale-not-yet = Not yet on sale
sale-over = Sale over
sale-starts = Sale starts { $name }

## Event page
when = When
where = Where
admission = Admission: { $name }
presale-over = The booking period for this event is over.
presale-starts = The booking period for this event will start on { $name }.
presale-not-yet = The booking period for this event has not yet started.
products-heading = Products
min-per-order = Minimum amount to order: { $count }
left =
    { $count ->
       *[other] { $count } currently available
    }
price-free = FREE
price-from = from
price-to = to
price-original = Original price:
price-new = New price:
price-own = Your price
price-tax-included = incl. { $name } VAT
price-tax-plus = plus { $name } VAT
price-tax-mixed = incl. taxes
select = Select
count-of = Number of { $name }
less-of = One { $name } less
more-of-product = One { $name } more
sold-out = SOLD OUT
fully-booked = FULLY BOOKED
reserved-text = All remaining tickets are in other carts or waiting for payment. Some of them may come back.
offer-not-yet = Not available yet.
offer-over = Not available any more.
offer-voucher = Only available with a voucher.
show-variations = Show variants
hide-variations = Hide variants
add-to-cart = Add to cart

## Cart
cart-title = Your cart
cart-show-full = Show full cart
column-product = Product
column-count = Quantity
column-total = Price
remove-one = Remove one { $name }
add-one = Add one more { $name }
cart-reserved =
    { $count ->
        [one] The items in your cart are reserved for you for { $count } minute.
       *[other] The items in your cart are reserved for you for { $count } minutes.
    }
cart-expired = The items in your cart are no longer reserved for you. You can still complete your order as long as they are available.
cart-extend = Renew reservation
cart-clear = Empty cart
cart-empty = Your cart is empty.
proceed = Proceed with checkout

## What happened to the cart
cart-added = The products have been added to your cart.
cart-removed = Your cart has been updated.
cart-cleared = Your cart is now empty.
cart-extended = Your reservation has been renewed.
cart-error-empty = Please choose at least one product.
cart-error-unknown-position = This product is no longer in your cart.
cart-error-not-for-sale = You chose a product that is not for sale.
cart-error-positions-removed = Some products are no longer available and were removed from your cart.
cart-error-unavailable-listed = Some of the products you chose are no longer available: { $name }.
cart-error-in-part-listed = These products are not available in the number you wanted: { $name }. We added what was left.
cart-error-max-items =
    { $count ->
        [one] You cannot have more than { $count } product in an order.
       *[other] You cannot have more than { $count } products in an order.
    }
cart-error-max-items-per-product = You cannot order that many of { $name }: the most is { $count }.
cart-error-min-items-per-product = Please choose at least { $count } of { $name }.
cart-error-not-started = The booking period for this event has not yet started.
cart-error-ended = The booking period for this event is over.
cart-error-payment-ended = All payments for this event must be in by now, so nothing more can be ordered.
cart-error-page-too-old = That page was too old, so nothing was changed. Please try again here.
cart-error-price-not-a-number = Please enter a number as the price.
cart-error-price-too-high = The price you entered is too high.
cart-error-voucher-required = { $name } can only be bought with a voucher. Please enter your code below.
cart-error-not-sold-alone = { $name } can only be bought together with another product.
cart-error-voucher-invalid = This voucher code is not known in our shop. Please check that you typed it correctly.
cart-error-voucher-expired = This voucher is no longer valid: its time is over.
cart-error-voucher-invalid-item = This voucher does not apply to the product you chose.
cart-error-voucher-invalid-subevent = This voucher is for another date.
cart-error-voucher-no-match = There is nothing in your cart that this voucher applies to.
cart-error-voucher-redeemed = This voucher has been used up.
cart-error-voucher-redeemed-cart =
    { $count ->
        [one] This voucher is in a cart at the moment. If that cart is not ordered, you can use it again in up to { $count } minute.
       *[other] This voucher is in a cart at the moment. If that cart is not ordered, you can use it again in up to { $count } minutes.
    }
cart-error-voucher-redeemed-partial =
    { $count ->
        [one] This voucher could only be used for { $count } product.
       *[other] This voucher could only be used for { $count } products.
    }
cart-error-voucher-min-usages = This voucher needs at least { $count } products in one cart.
cart-error-voucher-min-usages-removed = This voucher needs at least { $count } products in one cart, so the others were removed.
cart-error-addon-invalid-base = You cannot add this to the product you chose.
cart-error-addon-max-count = Please choose at most { $count } of “{ $name }”.
cart-error-addon-min-count = Please choose at least { $count } of “{ $name }”.
cart-error-addon-no-multi = You can choose { $name } only once.
cart-voucher = Voucher: { $name }
cart-discount = { $name } discount
voucher-redeem = Redeem a voucher
voucher-code = Voucher code
voucher-use = Redeem
shop-snapshot = The shop is hard to reach right now. This copy of its page is some minutes old, and nothing can be bought on it. Please try again in a moment.
picture-of = Picture of { $name }, larger (opens in a new tab)
voucher-shown = These are the products that you can buy with the voucher { $name }.
voucher-nothing = There are no products at the moment that you can buy with the voucher { $name }.
voucher-all-products = Show all products
cart-voucher-applied =
    { $count ->
        [one] The voucher has been applied to { $count } product.
       *[other] The voucher has been applied to { $count } products.
    }

## Checkout
checkout = Checkout
checkout-title = Step { $number } of { $count }: { $name } – Checkout
steps-label = Steps of the checkout
step-done = completed
step-questions = Your data
step-payment = Payment
step-confirm = Review
questions-heading = Your data
contact-heading = Contact information
email = Email
email-help = We send your order and your tickets to this address.
email-repeat = Email, once more
phone = Phone
attendee-name = Attendee name
attendee-email = Attendee email
attendee-company = Company
errors-count =
    { $count ->
        [one] One entry needs your attention.
       *[other] { $count } entries need your attention.
    }
error-required = Please fill in this field.
error-email = Please enter an email address such as name@example.org.
error-email-repeat = The two addresses are not the same.
error-phone = Please enter a phone number with its country code, such as +49 30 1234567.
error-number = Please enter a number.
error-date = Please enter a date.
error-time = Please enter a time.
error-choice = Please choose one of the options.
error-agree = Please tick this box to go on.
error-file-type = Please choose a PDF, PNG, JPEG or GIF file. This one is something else.
error-file-size = This file is too large. Please choose one of at most 4 MB.
error-files-size = Your files are too large. All files together may have 4 MB: please choose smaller ones.
error-file-many = You have sent too many files. Please remove something from your cart, or try again tomorrow.
file-help = A PDF, PNG, JPEG or GIF file. All files together may have 4 MB.
file-keep = Keep { $name }
file-load = Download { $name }
error-too-long = This is too long.
yes = Yes
no = No
payment-heading = Payment
payment-legend = How would you like to pay?
error-payment = Please choose how you would like to pay.
confirm-heading = Review order
place-order = Place binding order
submit-registration = Submit registration
price-changed = The price of some products in your cart has changed. Please check your order again.

## Order page
thanks = Thank you!
thanks-approval-pending = We have received your order. The organiser will look at it before it is confirmed.
thanks-confirmation-pending = We have received your order. Please open the link in our email to confirm it.
thanks-confirmed = Your order is confirmed. You will find all about it below and in our email.
thanks-payment-pending = We have received your order. Please pay now, so that we can send you your tickets.
thanks-paid = We have received your payment. You will find all about your order below and in our email.
bookmark = Bookmark this page to come back to your order at any time. You will also find the link in our email.
order-heading = Order { $name }
order-placed-on = Placed on { $name }
order-expired-text = This order was not paid in time, so it has expired and your tickets are no longer reserved.
order-canceled-text = This order has been canceled. The tickets are not valid any more.
order-again = Go to the ticket shop
status = Status
status-approval-pending = Approval pending
status-confirmation-pending = Confirmation pending
status-confirmed = Confirmed
status-payment-pending = Payment pending
status-paid = Paid
status-expired = Expired
status-canceled = Canceled
status-canceled-paid-fee = Canceled (paid fee)
pay-heading = Payment
pay-until = Please pay by { $name }.
bank-reference = Reference
bank-holder = Account holder
bank-iban = IBAN
bank-bic = BIC
bank-name = Bank
bank-hint = Please write the reference exactly like this, so that we find your payment.
tickets-heading = Your tickets
download-all = Download all tickets (PDF)
calendar-add = Add to calendar
download-pdf = Download PDF
download-later = You will be able to download your tickets here from { $name }.
items-heading = Ordered items
position-canceled = Canceled
info-heading = Your information
waiting-heading = Your ticket is being printed
waiting-text = This takes a few seconds. The page looks again by itself, and the download starts when the ticket is ready.
waiting-again = Print again
back-to-order = Back to your order

## Errors
error-invalid-title = We did not understand that
error-invalid-text = Something about this request was not as it should be. Please go back and try again.
error-offline-title = Shop offline
error-offline-text = This ticket shop is currently not open. Please come back later.
error-missing-title = Page not found
error-missing-text = There is nothing at this address. Please check the link you followed.
error-too-large-title = That was too much
error-too-large-text = What you sent is larger than we can take. Please send less.
error-busy-again-title = Many people are here right now
error-busy-again-text = Your request waits its turn. This page tries again by itself every few seconds; nothing you chose is lost, and nothing is ordered twice.
error-busy-now = Try again now
error-busy-title = Many people are here right now
error-busy-text = We could not get to your request in time. Nothing is lost: please wait a few seconds and load the page again.
error-internal-title = Something went wrong on our side
error-internal-text = We have been told about it. Please try again in a moment. If you write to us, please give us this number.
error-stale-form-title = This form is too old
error-stale-form-text = For your safety, we only take forms from the browser that opened them. Please allow cookies, go back, load the page again and try once more.
incident = Report

## Mails
fee-payment = Payment fee
fee-shipping = Shipping fee
fee-service = Service fee
fee-cancellation = Cancellation fee
fee-insurance = Insurance fee
fee-late = Late fee
fee-other = Fee
fee-giftcard = Gift card
mail-greeting = Hello,
mail-placed-subject = Your order { $code } for { $event }
mail-placed-text = We have received your order for { $event }. It is not paid yet: please send us { $total }, so that we can send you your tickets.
mail-placed-heading = We have your order
mail-free-subject = Your registration { $code } for { $event }
mail-free-text = We have received your order for { $event }. It is confirmed, and there is nothing to pay.
mail-free-heading = You are in
mail-paid-subject = Payment received for your order { $code }
mail-paid-text = We have received your payment of { $total } for { $event }. Thank you, and enjoy the event!
mail-paid-heading = Your payment is here
mail-approved-subject = Your order { $code } was approved
mail-approved-heading = Your order is approved
mail-approved-text = We have approved your order for { $event }. It is not paid yet: please send us { $total }, so that we can send you your tickets.
mail-denied-subject = Your order { $code } was not approved
mail-denied-heading = Your order was not approved
mail-denied-text = We are sorry: we cannot approve your order for { $event }. It is cancelled, and there is nothing to pay.
mail-canceled-subject = Your order { $code } was cancelled
mail-canceled-heading = Your order is cancelled
mail-canceled-text = Your order for { $event } was cancelled.
mail-changed-subject = Your order { $code } was changed
mail-changed-heading = Your order has changed
mail-changed-text = We have changed your order for { $event }. This is what it looks like now.
mail-until = Please pay by { $name }.
mail-button-order = View your order
mail-button-tickets = Get your tickets
mail-signature = Your { $name } team
mail-why = You get this email because you ordered tickets at { $name }.
mail-order = Order { $name }
mail-waiting-subject = A ticket for { $name } is waiting for you
mail-waiting-heading = It is your turn
mail-waiting-text = You are on the waiting list for { $name }, and now there is a ticket for you. We keep it under the voucher below.
mail-waiting-until = Please order by { $name }. After that, the ticket goes to the next person.
mail-waiting-product = Ticket
mail-waiting-code = Voucher
mail-waiting-button = Order your ticket
mail-waiting-why = You get this email because you wanted to hear from { $name } when there is a ticket.
mail-staff-subject = New order { $code } for { $event }
mail-staff-heading = New order
mail-staff-text = A new order has been placed for { $event }.
mail-staff-status = Status
mail-staff-contact = Contact
mail-staff-button = Open event page
mail-staff-why = You get this email because your team is told about new orders.
mail-staff-happened = Something happened to the order { $code } for { $event }.
mail-staff-chosen = You get this email because you want to be told.
mail-staff-choices = Choose what to be told

## Ways to pay
payment-free = Free
payment-banktransfer = Bank transfer
payment-banktransfer-description = You get our account details after you have ordered. Please transfer the amount in full and with the reference we show you.
payment-manual = Pay later
payment-manual-description = We get in touch with you about the payment.

## When
event-begins = Begins { $time }
event-doors = Doors open { $time }

## Ticket
ticket-title = Ticket
ticket-date = Date
ticket-admission = Time
ticket-location = Location
ticket-item = Product
ticket-attendee = Attendee
ticket-order = Order
ticket-price = Price
ticket-terms-heading = Terms
ticket-info-heading = Please note
ticket-info = Please have this code ready at the entrance, printed or on your phone. It lets one person in, once: keep it to yourself.
ticket-fold = Fold here
ticket-scan = Show this code at the entrance
ticket-qr = QR code of the ticket

## Add-ons and dates

step-addons = Extras
addons-heading = Extras
addons-exactly = Choose { $count }.
addons-between = Choose from { $least } to { $count }.
addons-up-to = You may choose up to { $count }.
several-dates = Several dates
dates-heading = Dates
dates-empty = There are no dates to come.
all-dates = All dates
voucher-choose-date = Choose a date for your voucher { $name }.
cart-error-subevent-required = Please choose a date first.

## Exports
export-orderlist = Orders
export-paymentlist = Payments
export-orders = Orders
export-positions = Positions
export-fees = Fees
export-payments = Payments
export-order = Order code
export-number = Position
export-status = Status
export-email = Email
export-phone = Phone
export-created = Created
export-expires = Payment deadline
export-paid-at = Paid
export-total = Total
export-currency = Currency
export-tax = Tax
export-tax-rate = Tax rate (%)
export-fee-sum = Fees
export-count = Tickets
export-provider = Payment method
export-channel = Sales channel
export-language = Language
export-testmode = Test
export-comment = Comment
export-date = Event date
export-item = Product
export-variation = Variation
export-price = Price
export-attendee = Attendee
export-attendee-email = Attendee email
export-company = Company
export-voucher = Voucher
export-pseudonym = Lead code
export-secret = Ticket code
export-fee-type = Kind of fee
export-description = Description
export-amount = Amount
export-payment = Payment
export-confirmed = Confirmed
export-payment-state = State
export-checkinlist = Check-in list
export-guests = Check-in list
export-present = Checked in
export-checked-in = First entry
export-checked-out = Last exit
export-last-scan = Last scan
export-entries = Entries
export-attention = Requires attention

# Mails to staff
notice-heading = Mails about orders
notice-for = These mails go to { $name }.
notice-event = What you choose here is for { $name } only.
notice-everywhere = What you choose here is for all events, where you have not chosen anything else.
notice-save = Save
notice-follow = Same as for all events
notice-all-events = Choose for all events
notice-saved = Your choice is saved.
notice-placed = New order
notice-approval = Order waits for your approval
notice-paid = Order paid
notice-canceled = Order cancelled
notice-reactivated = Order reactivated
notice-expired = Order expired
notice-modified = Order details changed
notice-contact-changed = Contact data of an order changed
notice-changed = Order changed
notice-refund-external = Refund made elsewhere

# Invitations to a team
mail-invite-subject = { $name } invites you to a team
mail-invite-heading = Invitation
mail-invite-text = You are invited to work in a team of { $name }.
mail-invite-team = Team
mail-invite-button = Accept the invitation
mail-invite-why = You get this email because somebody at { $name } has invited you. If this is nothing to you, there is nothing to do.
invite-heading = Invitation to the team { $name }
invite-from = { $name } invites you to work in this team.
invite-for = The invitation is for { $name }.
invite-name = Your name
invite-accept = Accept the invitation
invite-accepted = You are a member of the team now.
invite-notices = Choose emails about orders
