import { type NextRequest, NextResponse } from 'next/server';
import { VISITOR_COOKIE, visitorOf } from './lib/visitor';

/**
 * Stands in for a sign-in: whoever opens a page gets a number that nobody can guess, and is that user from then on.
 * Put your own in its place; what the API asks is `authorize` in app/api/speech.
 */
export function proxy(request: NextRequest): NextResponse {
  const response = NextResponse.next();
  if (visitorOf(request.headers.get('cookie')) === undefined) {
    response.cookies.set(VISITOR_COOKIE, crypto.randomUUID(), {
      httpOnly: true,
      sameSite: 'strict',
      secure: request.nextUrl.protocol === 'https:',
      path: '/',
    });
  }
  return response;
}

// Pages alone. Next.js keeps the bodies of requests that pass here in memory, and cuts them off after 10 MB: uploads
// must not come this way.
export const config = { matcher: ['/', '/captions', '/jobs/:path*', '/transcripts/:path*'] };
