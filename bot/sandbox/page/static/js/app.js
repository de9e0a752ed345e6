/** Starts the page: each part draws itself from the store, and the feed fills the store. */

import * as behind from "./behind.js";
import * as connection from "./connection.js";
import * as conversation from "./conversation.js";
import * as frame from "./frame.js";
import * as home from "./home.js";
import * as messages from "./messages.js";
import * as panes from "./panes.js";
import * as people from "./people.js";
import * as places from "./places.js";
import * as round from "./round.js";
import * as unread from "./unread.js";
import * as windows from "./windows.js";
import { listen } from "./feed.js";

for (const part of [frame, connection, behind, panes, unread, people, places, conversation, messages, home, windows, round]) part.start();
listen();
