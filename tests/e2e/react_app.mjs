// The app of react.test.mjs: every hook and component, in strict mode.
import { createElement as h, StrictMode, useState } from 'react';
import { Bell, BellProvider, Inbox, useBellEvent, useConnectionState, useNotifications, useUnreadCount } from '@carillon/react';

function Count() {
  const count = useUnreadCount();
  globalThis.rendered ??= { count: 0 };
  globalThis.rendered.count += 1;
  return h('output', { id: 'count' }, String(count));
}

function Connection() {
  return h('output', { id: 'connection' }, useConnectionState());
}

function List() {
  const { notifications, list, hasMore, read, readAll, loadMore } = useNotifications();
  return h('div', null,
    h('button', { id: 'read-all', onClick: () => void readAll() }, 'all'),
    h('button', { id: 'more', disabled: !hasMore, onClick: () => void loadMore() }, 'more'),
    h('ul', { id: 'list', 'data-state': list }, notifications.map(({ notificationId, title, read: done }) =>
      h('li', { key: notificationId, 'data-read': String(done), onClick: () => void read(notificationId) }, title))));
}

function Arrivals() {
  const [titles, setTitles] = useState([]);
  useBellEvent('new', ({ notification }) => setTitles([...titles, notification.title]));
  return h('output', { id: 'arrivals' }, titles.join());
}

export function App({ user, getToken }) {
  const [shown, setShown] = useState(true);
  const [opened, setOpened] = useState('');
  const [, again] = useState(0);
  const onOpen = (event) => {
    event.preventDefault();
    setOpened(event.detail.notification.title);
  };
  return h(StrictMode, null,
    h('button', { id: 'toggle', onClick: () => setShown(!shown) }, 'toggle'),
    h('button', { id: 'again', onClick: () => again((n) => n + 1) }, 'again'),
    h('output', { id: 'opened' }, opened),
    shown && h(BellProvider, { url: '/', getToken: () => getToken(user) },
      h(Bell, { className: 'my-bell', theme: 'dark', toasts: false, onOpen, messages: { title: 'Meldungen' } }),
      h(Count), h(Connection), h(List), h(Arrivals),
      h(Inbox, { id: 'inbox', heading: 3, onOpen })));
}
