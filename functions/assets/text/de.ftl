# Texte des Shops auf Deutsch. Die englische Datei hat dieselben Schlüssel; ein Test vergleicht sie.

## Jede Seite
skip-link = Zum Inhalt springen
trail-label = Sie sind hier
language-label = Sprache
footer-label = Mehr
more-of = Weitere Veranstaltungen von { $name }
powered-by = Ticketshop von Onsale
test-mode = Testmodus.
test-mode-text = Bestellungen sind nicht echt, und mit hier gekauften Tickets kommt niemand hinein.
test-mode-label = TESTMODUS
message-success = Erledigt
message-warning = Bitte beachten
message-error = Fehler
continue = Weiter
back = Zurück
modify = Ändern
field-optional = optional
choose = Bitte wählen
total = Gesamtbetrag
price-each = pro Stück
tax-line = inkl. { $rate } MwSt. ({ $amount })
products-count =
    { $count ->
        [one] { $count } Produkt
       *[other] { $count } Produkte
    }

## Alle Veranstalter und die Veranstaltungen von einem
home-heading = Veranstalter
home-empty = Zurzeit sind keine Veranstaltungen im Verkauf.
upcoming-count =
    { $count ->
        [0] Keine kommenden Veranstaltungen
        [one] { $count } kommende Veranstaltung
       *[other] { $count } kommende Veranstaltungen
    }
events-upcoming = Kommende Veranstaltungen
events-past = Vergangene Veranstaltungen
events-upcoming-empty = Zurzeit gibt es keine kommenden Veranstaltungen.
events-past-empty = Keine vergangenen Veranstaltungen.
show-past = Vergangene Veranstaltungen
show-upcoming = Kommende Veranstaltungen
pages-label = Seiten
page-previous = Vorige Seite
page-next = Nächste Seite
tickets = Tickets
more-info = Mehr erfahren
sale-buy = Jetzt kaufen
sale-book = Jetzt buchen
sale-few = Wenige Tickets übrig
sale-reserved = Reserviert
sale-sold-out = Ausverkauft
sale-fully-booked = Ausgebucht
sale-not-yet = Noch nicht im Verkauf
sale-over = Verkauf beendet
sale-starts = Verkaufsstart: { $name }

## Seite der Veranstaltung
when = Wann
where = Wo
admission = Einlass: { $name }
presale-over = Der Buchungszeitraum für diese Veranstaltung ist vorbei.
presale-starts = Der Buchungszeitraum für diese Veranstaltung beginnt am { $name }.
presale-not-yet = Der Buchungszeitraum für diese Veranstaltung hat noch nicht begonnen.
products-heading = Produkte
min-per-order = Mindestbestellmenge: { $count }
left =
    { $count ->
       *[other] { $count } derzeit verfügbar
    }
price-free = KOSTENLOS
price-from = ab
price-to = bis
price-original = Ursprünglicher Preis:
price-new = Neuer Preis:
price-own = Ihr Preis
price-tax-included = inkl. { $name } MwSt.
price-tax-plus = zzgl. { $name } MwSt.
price-tax-mixed = inkl. MwSt.
select = Auswählen
count-of = Anzahl { $name }
less-of = Ein Mal { $name } weniger
more-of-product = Ein Mal { $name } mehr
sold-out = AUSVERKAUFT
fully-booked = AUSGEBUCHT
reserved-text = Alle übrigen Tickets liegen in anderen Warenkörben oder warten auf Zahlung. Einige davon werden vielleicht wieder frei.
offer-not-yet = Noch nicht verfügbar.
offer-over = Nicht mehr verfügbar.
offer-voucher = Nur mit Gutschein erhältlich.
show-variations = Varianten anzeigen
hide-variations = Varianten verbergen
add-to-cart = In den Warenkorb

## Warenkorb
cart-title = Ihr Warenkorb
cart-show-full = Ganzen Warenkorb anzeigen
column-product = Produkt
column-count = Anzahl
column-total = Preis
remove-one = Ein Mal { $name } entfernen
add-one = Ein weiteres Mal { $name } hinzufügen
cart-reserved =
    { $count ->
        [one] Die Produkte in Ihrem Warenkorb sind noch { $count } Minute für Sie reserviert.
       *[other] Die Produkte in Ihrem Warenkorb sind noch { $count } Minuten für Sie reserviert.
    }
cart-expired = Die Produkte in Ihrem Warenkorb sind nicht mehr für Sie reserviert. Sie können die Bestellung trotzdem abschließen, solange sie verfügbar sind.
cart-extend = Reservierung verlängern
cart-clear = Warenkorb leeren
cart-empty = Ihr Warenkorb ist leer.
proceed = Zur Kasse

## Was mit dem Warenkorb geschah
cart-added = Die Produkte liegen jetzt in Ihrem Warenkorb.
cart-removed = Ihr Warenkorb wurde geändert.
cart-cleared = Ihr Warenkorb ist jetzt leer.
cart-extended = Ihre Reservierung wurde verlängert.
cart-error-empty = Bitte wählen Sie mindestens ein Produkt.
cart-error-unknown-position = Dieses Produkt liegt nicht mehr in Ihrem Warenkorb.
cart-error-not-for-sale = Sie haben ein Produkt gewählt, das nicht verkauft wird.
cart-error-positions-removed = Einige Produkte sind nicht mehr verfügbar und wurden aus Ihrem Warenkorb entfernt.
cart-error-unavailable-listed = Einige der gewählten Produkte sind nicht mehr verfügbar: { $name }.
cart-error-in-part-listed = Diese Produkte gibt es nicht mehr in der gewünschten Anzahl: { $name }. Wir haben hinzugefügt, was noch da war.
cart-error-max-items =
    { $count ->
        [one] Eine Bestellung kann höchstens { $count } Produkt enthalten.
       *[other] Eine Bestellung kann höchstens { $count } Produkte enthalten.
    }
cart-error-max-items-per-product = So viele Stück von { $name } sind nicht möglich: höchstens { $count }.
cart-error-min-items-per-product = Bitte wählen Sie mindestens { $count } Stück von { $name }.
cart-error-not-started = Der Buchungszeitraum für diese Veranstaltung hat noch nicht begonnen.
cart-error-ended = Der Buchungszeitraum für diese Veranstaltung ist vorbei.
cart-error-payment-ended = Alle Zahlungen für diese Veranstaltung müssten schon da sein, deshalb kann nichts mehr bestellt werden.
cart-error-page-too-old = Diese Seite war zu alt, deshalb wurde nichts geändert. Bitte versuchen Sie es hier noch einmal.
cart-error-price-not-a-number = Bitte geben Sie als Preis eine Zahl ein.
cart-error-price-too-high = Der eingegebene Preis ist zu hoch.
cart-error-voucher-required = { $name } gibt es nur mit einem Gutschein. Bitte geben Sie unten Ihren Code ein.
cart-error-not-sold-alone = { $name } gibt es nur zusammen mit einem anderen Produkt.
cart-error-voucher-invalid = Dieser Gutscheincode ist uns nicht bekannt. Bitte prüfen Sie, ob Sie ihn richtig eingegeben haben.
cart-error-voucher-expired = Dieser Gutschein gilt nicht mehr: Seine Zeit ist abgelaufen.
cart-error-voucher-invalid-item = Dieser Gutschein gilt nicht für das gewählte Produkt.
cart-error-voucher-invalid-subevent = Dieser Gutschein gilt für einen anderen Termin.
cart-error-voucher-no-match = In Ihrem Warenkorb ist nichts, wofür dieser Gutschein gilt.
cart-error-voucher-redeemed = Dieser Gutschein ist aufgebraucht.
cart-error-voucher-redeemed-cart =
    { $count ->
        [one] Dieser Gutschein liegt gerade in einem Warenkorb. Wird daraus keine Bestellung, ist er in höchstens { $count } Minute wieder frei.
       *[other] Dieser Gutschein liegt gerade in einem Warenkorb. Wird daraus keine Bestellung, ist er in höchstens { $count } Minuten wieder frei.
    }
cart-error-voucher-redeemed-partial =
    { $count ->
        [one] Dieser Gutschein reichte nur für { $count } Produkt.
       *[other] Dieser Gutschein reichte nur für { $count } Produkte.
    }
cart-error-voucher-min-usages = Dieser Gutschein braucht mindestens { $count } Produkte in einem Warenkorb.
cart-error-voucher-min-usages-removed = Dieser Gutschein braucht mindestens { $count } Produkte in einem Warenkorb, deshalb wurden die übrigen entfernt.
cart-error-addon-invalid-base = Das lässt sich dem gewählten Produkt nicht hinzufügen.
cart-error-addon-max-count = Bitte wählen Sie höchstens { $count } aus „{ $name }“.
cart-error-addon-min-count = Bitte wählen Sie mindestens { $count } aus „{ $name }“.
cart-error-addon-no-multi = { $name } können Sie nur einmal wählen.
cart-voucher = Gutschein: { $name }
cart-discount = { $name } Rabatt
voucher-redeem = Gutschein einlösen
voucher-code = Gutscheincode
voucher-use = Einlösen
shop-snapshot = Der Shop ist gerade schwer zu erreichen. Diese Kopie der Seite ist einige Minuten alt, und man kann auf ihr nichts kaufen. Bitte versuchen Sie es gleich noch einmal.
picture-of = Bild von { $name } größer zeigen (öffnet einen neuen Tab)
voucher-shown = Das sind die Produkte, die Sie mit dem Gutschein { $name } kaufen können.
voucher-nothing = Zurzeit gibt es keine Produkte, die Sie mit dem Gutschein { $name } kaufen können.
voucher-all-products = Alle Produkte zeigen
cart-voucher-applied =
    { $count ->
        [one] Der Gutschein wurde für { $count } Produkt eingelöst.
       *[other] Der Gutschein wurde für { $count } Produkte eingelöst.
    }

## Kasse
checkout = Kasse
checkout-title = Schritt { $number } von { $count }: { $name } – Kasse
steps-label = Schritte der Bestellung
step-done = erledigt
step-questions = Ihre Daten
step-payment = Zahlung
step-confirm = Prüfen
questions-heading = Ihre Daten
contact-heading = Kontaktdaten
email = E-Mail
email-help = An diese Adresse schicken wir Ihre Bestellung und Ihre Tickets.
email-repeat = E-Mail, noch einmal
phone = Telefon
attendee-name = Name der teilnehmenden Person
attendee-email = E-Mail der teilnehmenden Person
attendee-company = Firma
errors-count =
    { $count ->
        [one] Eine Angabe stimmt noch nicht.
       *[other] { $count } Angaben stimmen noch nicht.
    }
error-required = Bitte füllen Sie dieses Feld aus.
error-email = Bitte geben Sie eine E-Mail-Adresse ein, zum Beispiel name@example.org.
error-email-repeat = Die beiden Adressen stimmen nicht überein.
error-phone = Bitte geben Sie eine Telefonnummer mit Landesvorwahl ein, zum Beispiel +49 30 1234567.
error-number = Bitte geben Sie eine Zahl ein.
error-date = Bitte geben Sie ein Datum ein.
error-time = Bitte geben Sie eine Uhrzeit ein.
error-choice = Bitte wählen Sie eine der Möglichkeiten.
error-agree = Bitte setzen Sie dieses Häkchen, um fortzufahren.
error-file-type = Bitte wählen Sie eine PDF-, PNG-, JPEG- oder GIF-Datei. Diese ist etwas anderes.
error-file-size = Diese Datei ist zu groß. Bitte wählen Sie eine mit höchstens 4 MB.
error-files-size = Ihre Dateien sind zu groß. Alle Dateien zusammen dürfen 4 MB haben: Bitte wählen Sie kleinere.
error-file-many = Sie haben zu viele Dateien gesendet. Bitte entfernen Sie etwas aus dem Warenkorb oder versuchen Sie es morgen noch einmal.
file-help = Eine PDF-, PNG-, JPEG- oder GIF-Datei. Alle Dateien zusammen dürfen 4 MB haben.
file-keep = { $name } behalten
file-load = { $name } herunterladen
error-too-long = Das ist zu lang.
yes = Ja
no = Nein
payment-heading = Zahlung
payment-legend = Wie möchten Sie bezahlen?
error-payment = Bitte wählen Sie, wie Sie bezahlen möchten.
confirm-heading = Bestellung prüfen
place-order = Zahlungspflichtig bestellen
submit-registration = Anmeldung absenden
price-changed = Der Preis einiger Produkte in Ihrem Warenkorb hat sich geändert. Bitte prüfen Sie Ihre Bestellung noch einmal.

## Seite der Bestellung
thanks = Vielen Dank!
thanks-approval-pending = Ihre Bestellung ist bei uns. Der Veranstalter sieht sie sich an, bevor sie bestätigt wird.
thanks-confirmation-pending = Ihre Bestellung ist bei uns. Bitte öffnen Sie den Link in unserer E-Mail, um sie zu bestätigen.
thanks-confirmed = Ihre Bestellung ist bestätigt. Alles dazu finden Sie unten und in unserer E-Mail.
thanks-payment-pending = Ihre Bestellung ist bei uns. Bitte bezahlen Sie jetzt, damit wir Ihnen Ihre Tickets schicken können.
thanks-paid = Ihre Zahlung ist bei uns. Alles zu Ihrer Bestellung finden Sie unten und in unserer E-Mail.
bookmark = Mit einem Lesezeichen kommen Sie jederzeit zu dieser Seite zurück. Den Link finden Sie auch in unserer E-Mail.
order-heading = Bestellung { $name }
order-placed-on = Bestellt am { $name }
order-expired-text = Diese Bestellung wurde nicht rechtzeitig bezahlt. Sie ist verfallen, und die Tickets sind nicht mehr reserviert.
order-canceled-text = Diese Bestellung wurde storniert. Die Tickets sind nicht mehr gültig.
order-again = Zum Ticketshop
status = Status
status-approval-pending = Freigabe ausstehend
status-confirmation-pending = Bestätigung ausstehend
status-confirmed = Bestätigt
status-payment-pending = Zahlung ausstehend
status-paid = Bezahlt
status-expired = Verfallen
status-canceled = Storniert
status-canceled-paid-fee = Storniert (Gebühr bezahlt)
pay-heading = Zahlung
pay-until = Bitte bezahlen Sie bis { $name }.
bank-reference = Verwendungszweck
bank-holder = Kontoinhaber
bank-iban = IBAN
bank-bic = BIC
bank-name = Bank
bank-hint = Bitte geben Sie den Verwendungszweck genau so an, damit wir Ihre Zahlung finden.
tickets-heading = Ihre Tickets
download-all = Alle Tickets herunterladen (PDF)
calendar-add = In den Kalender eintragen
download-pdf = PDF herunterladen
download-later = Ab { $name } können Sie hier Ihre Tickets herunterladen.
items-heading = Bestellte Produkte
position-canceled = Storniert
info-heading = Ihre Angaben
waiting-heading = Ihr Ticket wird gedruckt
waiting-text = Das dauert ein paar Sekunden. Die Seite sieht von selbst wieder nach, und der Download beginnt, sobald das Ticket fertig ist.
waiting-again = Erneut drucken
back-to-order = Zurück zur Bestellung

## Fehler
error-invalid-title = Das haben wir nicht verstanden
error-invalid-text = An dieser Anfrage stimmt etwas nicht. Bitte gehen Sie zurück und versuchen Sie es noch einmal.
error-offline-title = Shop offline
error-offline-text = Dieser Ticketshop ist zurzeit nicht geöffnet. Bitte kommen Sie später wieder.
error-missing-title = Seite nicht gefunden
error-missing-text = Unter dieser Adresse gibt es nichts. Bitte prüfen Sie den Link, dem Sie gefolgt sind.
error-too-large-title = Das war zu viel
error-too-large-text = Was Sie geschickt haben, ist größer, als wir annehmen können. Bitte schicken Sie weniger.
error-busy-again-title = Gerade ist viel los
error-busy-again-text = Ihre Anfrage wartet, bis sie an der Reihe ist. Diese Seite versucht es alle paar Sekunden von selbst; Ihre Auswahl geht nicht verloren, und nichts wird doppelt bestellt.
error-busy-now = Jetzt noch einmal versuchen
error-busy-title = Gerade ist viel los
error-busy-text = Wir kamen nicht rechtzeitig zu Ihrer Anfrage. Nichts ist verloren: Bitte warten Sie ein paar Sekunden und laden Sie die Seite neu.
error-internal-title = Bei uns ist etwas schiefgegangen
error-internal-text = Wir wissen schon davon. Bitte versuchen Sie es gleich noch einmal. Wenn Sie uns schreiben, nennen Sie uns bitte diese Nummer.
error-stale-form-title = Dieses Formular ist zu alt
error-stale-form-text = Zu Ihrer Sicherheit nehmen wir Formulare nur von dem Browser an, der sie geöffnet hat. Bitte erlauben Sie Cookies, gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es noch einmal.
incident = Meldung

## E-Mails
fee-payment = Zahlungsgebühr
fee-shipping = Versandgebühr
fee-service = Servicegebühr
fee-cancellation = Stornogebühr
fee-insurance = Versicherungsgebühr
fee-late = Verspätungsgebühr
fee-other = Gebühr
fee-giftcard = Geschenkgutschein
mail-greeting = Guten Tag,
mail-placed-subject = Ihre Bestellung { $code } für { $event }
mail-placed-text = Ihre Bestellung für { $event } ist bei uns. Sie ist noch nicht bezahlt: Bitte senden Sie uns { $total }, damit wir Ihnen Ihre Tickets schicken können.
mail-placed-heading = Ihre Bestellung ist da
mail-free-subject = Ihre Anmeldung { $code } für { $event }
mail-free-text = Ihre Bestellung für { $event } ist bei uns. Sie ist bestätigt, und es gibt nichts zu bezahlen.
mail-free-heading = Sie sind dabei
mail-paid-subject = Zahlung zu Ihrer Bestellung { $code } erhalten
mail-paid-text = Ihre Zahlung von { $total } für { $event } ist bei uns. Vielen Dank, und viel Freude bei der Veranstaltung!
mail-paid-heading = Ihre Zahlung ist da
mail-approved-subject = Ihre Bestellung { $code } wurde genehmigt
mail-approved-heading = Ihre Bestellung ist genehmigt
mail-approved-text = Wir haben Ihre Bestellung für { $event } genehmigt. Sie ist noch nicht bezahlt: Bitte überweisen Sie { $total }, damit wir Ihnen die Tickets schicken können.
mail-denied-subject = Ihre Bestellung { $code } wurde nicht genehmigt
mail-denied-heading = Ihre Bestellung wurde nicht genehmigt
mail-denied-text = Es tut uns leid: Wir können Ihre Bestellung für { $event } nicht genehmigen. Sie ist storniert, es ist nichts zu bezahlen.
mail-canceled-subject = Ihre Bestellung { $code } wurde storniert
mail-canceled-heading = Ihre Bestellung ist storniert
mail-canceled-text = Ihre Bestellung für { $event } wurde storniert.
mail-changed-subject = Ihre Bestellung { $code } wurde geändert
mail-changed-heading = Ihre Bestellung hat sich geändert
mail-changed-text = Wir haben Ihre Bestellung für { $event } geändert. So sieht sie jetzt aus.
mail-until = Bitte bezahlen Sie bis { $name }.
mail-button-order = Bestellung ansehen
mail-button-tickets = Zu Ihren Tickets
mail-signature = Ihr Team von { $name }
mail-why = Sie bekommen diese E-Mail, weil Sie bei { $name } Tickets bestellt haben.
mail-waiting-subject = Ein Ticket für { $name } wartet auf Sie
mail-waiting-heading = Sie sind an der Reihe
mail-waiting-text = Sie stehen auf der Warteliste für { $name }, und jetzt gibt es ein Ticket für Sie. Wir halten es mit dem Gutschein unten für Sie frei.
mail-waiting-until = Bitte bestellen Sie bis { $name }. Danach bekommt das Ticket die nächste Person.
mail-waiting-product = Ticket
mail-waiting-code = Gutschein
mail-waiting-button = Ticket bestellen
mail-waiting-why = Sie bekommen diese E-Mail, weil Sie von { $name } hören wollten, wenn es ein Ticket gibt.
mail-order = Bestellung { $name }
mail-staff-subject = Neue Bestellung { $code } für { $event }
mail-staff-heading = Neue Bestellung
mail-staff-text = Für { $event } ist eine neue Bestellung eingegangen.
mail-staff-status = Status
mail-staff-contact = Kontakt
mail-staff-button = Seite der Veranstaltung öffnen
mail-staff-why = Sie bekommen diese E-Mail, weil Ihr Team über neue Bestellungen informiert wird.
mail-staff-happened = Mit der Bestellung { $code } für { $event } ist etwas geschehen.
mail-staff-chosen = Sie bekommen diese Mail, weil Sie davon hören möchten.
mail-staff-choices = Auswählen, wovon Sie hören

## Zahlungsarten
payment-free = Kostenlos
payment-banktransfer = Überweisung
payment-banktransfer-description = Unsere Kontodaten erhalten Sie nach der Bestellung. Bitte überweisen Sie den vollen Betrag mit dem angezeigten Verwendungszweck.
payment-manual = Später bezahlen
payment-manual-description = Wir melden uns bei Ihnen wegen der Zahlung.

## Wann
event-begins = Beginn { $time }
event-doors = Einlass { $time }

## Ticket
ticket-title = Ticket
ticket-date = Datum
ticket-admission = Uhrzeit
ticket-location = Ort
ticket-item = Produkt
ticket-attendee = Gast
ticket-order = Bestellung
ticket-price = Preis
ticket-terms-heading = Bedingungen
ticket-info-heading = Gut zu wissen
ticket-info = Bitte halten Sie diesen Code am Eingang bereit, gedruckt oder auf dem Telefon. Er lässt eine Person einmal ein: Geben Sie ihn nicht weiter.
ticket-fold = Hier falten
ticket-scan = Diesen Code am Einlass vorzeigen
ticket-qr = QR-Code des Tickets

## Extras und Termine

step-addons = Extras
addons-heading = Extras
addons-exactly = Bitte wählen Sie { $count }.
addons-between = Bitte wählen Sie { $least } bis { $count }.
addons-up-to = Sie können bis zu { $count } wählen.
several-dates = Mehrere Termine
dates-heading = Termine
dates-empty = Es stehen keine Termine an.
all-dates = Alle Termine
voucher-choose-date = Wählen Sie einen Termin für Ihren Gutschein { $name }.
cart-error-subevent-required = Bitte wählen Sie zuerst einen Termin.

## Exporte
export-orderlist = Bestellungen
export-paymentlist = Zahlungen
export-orders = Bestellungen
export-positions = Positionen
export-fees = Gebühren
export-payments = Zahlungen
export-order = Bestellnummer
export-number = Position
export-status = Status
export-email = E-Mail
export-phone = Telefon
export-created = Erstellt
export-expires = Zahlungsfrist
export-paid-at = Bezahlt
export-total = Gesamtbetrag
export-currency = Währung
export-tax = Steuer
export-tax-rate = Steuersatz (%)
export-fee-sum = Gebühren
export-count = Tickets
export-provider = Zahlungsart
export-channel = Verkaufskanal
export-language = Sprache
export-testmode = Test
export-comment = Kommentar
export-date = Termin
export-item = Produkt
export-variation = Variante
export-price = Preis
export-attendee = Gast
export-attendee-email = E-Mail des Gasts
export-company = Firma
export-voucher = Gutschein
export-pseudonym = Kontaktcode
export-secret = Ticketcode
export-fee-type = Art der Gebühr
export-description = Beschreibung
export-amount = Betrag
export-payment = Zahlung
export-confirmed = Bestätigt
export-payment-state = Zustand
export-checkinlist = Check-in-Liste
export-guests = Check-in-Liste
export-present = Eingecheckt
export-checked-in = Erster Einlass
export-checked-out = Letzter Ausgang
export-last-scan = Letzter Scan
export-entries = Einlässe
export-attention = Besondere Aufmerksamkeit

# Mails to staff
notice-heading = Mails über Bestellungen
notice-for = Diese Mails gehen an { $name }.
notice-event = Was Sie hier wählen, gilt nur für { $name }.
notice-everywhere = Was Sie hier wählen, gilt für alle Veranstaltungen, für die Sie nichts anderes gewählt haben.
notice-save = Speichern
notice-follow = Wie bei allen Veranstaltungen
notice-all-events = Für alle Veranstaltungen wählen
notice-saved = Ihre Auswahl ist gespeichert.
notice-placed = Neue Bestellung
notice-approval = Bestellung wartet auf Ihre Freigabe
notice-paid = Bestellung bezahlt
notice-canceled = Bestellung storniert
notice-reactivated = Bestellung reaktiviert
notice-expired = Bestellung abgelaufen
notice-modified = Angaben einer Bestellung geändert
notice-contact-changed = Kontaktdaten einer Bestellung geändert
notice-changed = Bestellung geändert
notice-refund-external = Rückzahlung an anderer Stelle

# Einladungen in ein Team
mail-invite-subject = { $name } lädt Sie in ein Team ein
mail-invite-heading = Einladung
mail-invite-text = Sie sind eingeladen, in einem Team von { $name } mitzuarbeiten.
mail-invite-team = Team
mail-invite-button = Einladung annehmen
mail-invite-why = Sie bekommen diese E-Mail, weil jemand von { $name } Sie eingeladen hat. Wenn Sie nichts damit zu tun haben, brauchen Sie nichts zu tun.
invite-heading = Einladung in das Team { $name }
invite-from = { $name } lädt Sie ein, in diesem Team mitzuarbeiten.
invite-for = Die Einladung gilt für { $name }.
invite-name = Ihr Name
invite-accept = Einladung annehmen
invite-accepted = Sie gehören jetzt zum Team.
invite-notices = Mails über Bestellungen wählen
