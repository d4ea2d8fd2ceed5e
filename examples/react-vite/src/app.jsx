import { useEffect, useState } from "react";
import { Bell, BellProvider, useBellEvent, useConnectionState, useNotifications, useUnreadCount } from "@carillon/react";

const getToken = async () => (await fetch("/bell-token")).text();

export function App() {
  return (
    <BellProvider url={import.meta.env.CARILLON_URL} getToken={getToken}>
      <Header />
      <main>
        <h1>Hello, Ada</h1>
        <button className="ring" type="button" onClick={() => fetch("/ring", { method: "POST" })}>
          Ring the bell
        </button>
        <Heard />
        <Latest />
      </main>
    </BellProvider>
  );
}

function Header() {
  const unread = useUnreadCount();
  const connection = useConnectionState();
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Nordlys Studio` : "Nordlys Studio";
  }, [unread]);
  return (
    <header>
      <strong>Nordlys Studio</strong>
      <span className="connection">{connection}</span>
      <Bell />
    </header>
  );
}

function Heard() {
  const [title, setTitle] = useState("");
  useBellEvent("new", ({ notification }) => setTitle(notification.title));
  return <p aria-live="polite">{title && `Heard: ${title}`}</p>;
}

/** A list of one's own, from the hook alone. */
function Latest() {
  const { notifications, list, read, readAll } = useNotifications();
  if (list !== "ready") return <p>Loading…</p>;
  return (
    <section>
      <h2>Latest</h2>
      <button type="button" onClick={() => readAll()}>
        Mark all as read
      </button>
      <ul className="latest">
        {notifications.slice(0, 5).map(({ notificationId, title, read: done }) => (
          <li key={notificationId} className={done ? "done" : "fresh"}>
            {title} {!done && <button type="button" onClick={() => read(notificationId)}>Read</button>}
          </li>
        ))}
      </ul>
    </section>
  );
}
