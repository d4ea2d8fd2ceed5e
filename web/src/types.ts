// What the gateway answers, as far as this page reads it itself; the rest is the SDK's.

export interface SignInAnswer {
  user: { id: string; email: string; name?: string | null };
  accessToken: string;
  expiresIn: number;
}
