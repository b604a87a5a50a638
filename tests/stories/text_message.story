title     A text goes to who consented to texts, and what surely failed leaves by e-mail instead, once (RULES 5.7)

policy    channels {sms: {is_on: true, fallback: email}}
policy    steps [{days: 0, template: due_today, sender: billing, channel: sms}, {days: 7, template: firm, sender: billing, channel: sms}, {days: 14, template: urgent, sender: billing, channel: sms}]
policy    first_contact_step_max '0'
texts     leave by the gateway
customer  Alder Point Clinics, net 30, sms +14155550123 since 2026-09-01
customer  Sable Ridge Metering, net 30, sms +14155550124
invoice   INV-1  Alder Point Clinics   8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Sable Ridge Metering  900.00 USD   due 2026-09-11  issued 2026-08-12

day       2026-09-11
expect    last text says "Invoice INV-1: due today"
expect    mail today: INV-2 0                            # a number without consent is never written to
day       2026-09-17
fault     sms too_many, 1 times                          # the gateway surely took nothing
day       2026-09-18
expect    mail today: INV-1 +7
expect    last text says "due today"
healed
fault     sms drop_after, 1 times                        # nobody knows whether it took this one, so it goes no other way
day       2026-09-25
expect    last text says "overdue by up to 14 days"
expect    reminders of INV-1: +7 sent
