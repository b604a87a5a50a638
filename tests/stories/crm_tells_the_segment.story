title     The CRM's tier and revenue decide the segment where the ERP says nothing, and a change there moves the invoice (M23)

policy    segments [{name: large, tier_in: [enterprise], min_arr: {USD: 250000}, escalation: []}, {name: usage, billing_model_in: [usage]}]
customer  Northfield Robotics, net 30
customer  Westbrook Tooling, net 30
customer  Meridian Freight, net 30, tier smb
invoice   INV-1  Northfield Robotics  8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-2  Westbrook Tooling    8000.00 USD  due 2026-09-11  issued 2026-08-12
invoice   INV-3  Meridian Freight     8000.00 USD  due 2026-09-11  issued 2026-08-12
crm account Northfield Robotics, tier Enterprise, arr 250000.00 USD, billing usage, contract annual
crm account Westbrook Tooling, tier Enterprise, arr 249999.99 USD, billing usage
crm account Meridian Freight, tier Enterprise, arr 900000.00 USD

day       2026-09-04
expect    erp segment INV-1 large
expect    erp segment INV-2 usage
expect    erp segment INV-3 default

crm changes Westbrook Tooling to arr 250000.00 USD
at        12:00
expect    erp segment INV-1 large
expect    erp segment INV-2 large
