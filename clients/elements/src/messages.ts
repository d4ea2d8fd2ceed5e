/** Everything that the elements say. Another language is an object of this form: `addMessages("de", {…})`. */
export interface Messages {
  /** The name of the bell's button for those who do not see its badge. */
  bell(unread: number): string;
  title: string;
  /** Beside the title. */
  unreadCount(unread: number): string;
  readAll: string;
  /** The button of one notification. */
  read: string;
  /** In front of an unread notification, for those who do not see its dot. */
  unread: string;
  today: string;
  yesterday: string;

  loading: string;
  loadingMore: string;
  emptyTitle: string;
  emptyText: string;
  failedTitle: string;
  failedText: string;
  retry: string;
  moreFailed: string;

  offline: string;
  reconnecting: string;
  /** Stopped because nobody is signed in, or the sign-in does not count any more. */
  signedOutTitle: string;
  signedOut: string;
  forbiddenTitle: string;
  forbidden: string;
  readRefused: string;
  readAllRefused: string;

  /** The name of the corner where they appear. */
  toasts: string;
  dismiss: string;
  /** One toast for many. */
  arrivedMany(count: number): string;
  showAll: string;
  /** Announced to screen readers. */
  arrived(title: string): string;
  allRead: string;
}

const en: Messages = {
  bell: (unread) => (unread === 0 ? "Notifications, nothing unread" : `Notifications, ${unread} unread`),
  title: "Notifications",
  unreadCount: (unread) => (unread === 0 ? "All read" : `${unread} unread`),
  readAll: "Mark all as read",
  read: "Mark as read",
  unread: "Unread.",
  today: "Today",
  yesterday: "Yesterday",
  loading: "Loading notifications",
  loadingMore: "Loading older notifications",
  emptyTitle: "All quiet",
  emptyText: "New notifications will ring here.",
  failedTitle: "Nothing could be loaded",
  failedText: "The server does not answer. We keep trying.",
  retry: "Try again",
  moreFailed: "Older ones could not be loaded.",
  offline: "You are offline. What you mark as read is kept and sent later.",
  reconnecting: "Connection lost. Reconnecting…",
  signedOutTitle: "Signed out",
  signedOut: "Your session has ended. Sign in again to see what is new.",
  forbiddenTitle: "No access",
  forbidden: "This account may not receive notifications.",
  readRefused: "That could not be marked as read.",
  readAllRefused: "They could not be marked as read.",
  toasts: "New notifications",
  dismiss: "Dismiss",
  arrivedMany: (count) => `${count} new notifications`,
  showAll: "Show",
  arrived: (title) => `New notification: ${title}`,
  allRead: "All notifications are marked as read.",
};

const vi: Messages = {
  bell: (unread) => (unread === 0 ? "Thông báo, không có mục chưa đọc" : `Thông báo, ${unread} mục chưa đọc`),
  title: "Thông báo",
  unreadCount: (unread) => (unread === 0 ? "Đã đọc hết" : `${unread} chưa đọc`),
  readAll: "Đánh dấu đã đọc hết",
  read: "Đánh dấu đã đọc",
  unread: "Chưa đọc.",
  today: "Hôm nay",
  yesterday: "Hôm qua",
  loading: "Đang tải thông báo",
  loadingMore: "Đang tải thông báo cũ hơn",
  emptyTitle: "Yên ắng",
  emptyText: "Thông báo mới sẽ hiện ở đây.",
  failedTitle: "Không tải được thông báo",
  failedText: "Máy chủ không trả lời. Hệ thống vẫn đang thử lại.",
  retry: "Thử lại",
  moreFailed: "Không tải được thông báo cũ hơn.",
  offline: "Bạn đang ngoại tuyến. Những mục bạn đánh dấu sẽ được lưu lại và gửi sau.",
  reconnecting: "Mất kết nối. Đang kết nối lại…",
  signedOutTitle: "Đã đăng xuất",
  signedOut: "Phiên của bạn đã kết thúc. Hãy đăng nhập lại để xem thông báo mới.",
  forbiddenTitle: "Không có quyền truy cập",
  forbidden: "Tài khoản này không được phép nhận thông báo.",
  readRefused: "Không đánh dấu đã đọc được thông báo này.",
  readAllRefused: "Không đánh dấu đã đọc được các thông báo.",
  toasts: "Thông báo mới",
  dismiss: "Bỏ qua",
  arrivedMany: (count) => `${count} thông báo mới`,
  showAll: "Xem",
  arrived: (title) => `Thông báo mới: ${title}`,
  allRead: "Tất cả thông báo đã được đánh dấu đã đọc.",
};

const dictionaries = new Map<string, Messages>([["en", en], ["vi", vi]]);

/** Adds a language, or changes some words of one: what is left out stays, or is English. */
export function addMessages(language: string, messages: Partial<Messages>): void {
  const key = language.toLowerCase();
  dictionaries.set(key, { ...(dictionaries.get(key) ?? en), ...messages });
}

/** The dictionary for a language tag ("pt-BR", then "pt", then English). */
export function messagesFor(language: string): Messages {
  const parts = language.toLowerCase().split("-");
  for (; parts.length > 0; parts.pop()) {
    const known = dictionaries.get(parts.join("-"));
    if (known !== undefined) return known;
  }
  return en;
}
