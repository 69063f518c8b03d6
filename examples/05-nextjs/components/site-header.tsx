'use client';

import Link from 'next/link';
import { usePathname } from 'next/navigation';

const PAGES = [
  ['/', 'Recording'],
  ['/captions', 'Live captions'],
  ['/transcripts', 'Transcripts'],
] as const;

export function SiteHeader() {
  const path = usePathname();
  return (
    <header className="top">
      <Link className="brand" href="/">
        <svg viewBox="0 0 32 32" width="30" height="30" aria-hidden="true">
          <rect width="32" height="32" rx="9" />
          <path d="M8 14v4M13 10v12M18 7v18M23 12v8" />
        </svg>
        Transcribe
      </Link>
      <nav aria-label="Pages">
        <ul>
          {PAGES.map(([href, name]) => (
            <li key={href}>
              <Link href={href} aria-current={path === href ? 'page' : undefined}>
                {name}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
    </header>
  );
}
