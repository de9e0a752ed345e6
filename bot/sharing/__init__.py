"""Sharing a secret, for `/ots share`, `/ots generate` and the answer to a request.

form_state, form        the window and what it is for
share_spec, submit      what was entered; what happens after “Share” was pressed
create, deliver         one secret for each recipient: made at the host, then sent
result_window           what the sender sees afterwards
recipient_messages      what recipients see
sender_card             what the sender sees from then on; sender_buttons handles its buttons
notify, on_watch_event  the notifications when a delivery is opened, burned or expires
following               the reminders and passphrases that change when a delivery is over
request_messages        what both people see of a request for a secret
recovery                finishes what was interrupted
"""
