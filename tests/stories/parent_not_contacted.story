title     A parent that must not be contacted gets no reminder of its child's either

customer  Northfield Robotics, net 30
customer  Westbrook Tooling, net 30, child of Northfield Robotics, mails to parent
invoice   INV-1  Westbrook Tooling   4000.00 USD  due 2026-09-11  issued 2026-08-12

day       2026-09-04
expect    mail today: INV-1 -7
person    marks Northfield Robotics do-not-contact
day       2026-09-11
expect    no mail today
