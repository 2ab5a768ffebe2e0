/** What is around every page: the bar at the top, with who is signed in. */
import "./styles/index.css";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { listOf } from "./format.ts";
import { Button } from "./parts.tsx";
import { identity, may, signOut } from "./session.ts";
import { useCell } from "./store.ts";
import { ThemeButton } from "./theme.tsx";

export function Logo({ class: name }: { class?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" {...(name && { class: name })}>
      <rect width="32" height="32" rx="8" />
      <path d="M16 8.5V16l5.5 3.6" />
    </svg>
  );
}

/** @param props.here the page that is shown, as its link has it */
export function Bar({ children, here }: { children: ComponentChildren; here: string }) {
  return (
    <header class="bar">
      <a class="brand" href="./#/">
        <Logo />
        Tickwork
      </a>
      {children}
      <ThemeButton />
      <Menu here={here} />
    </header>
  );
}

const FOR_ADMINS = [
  ["./#/access", "Access keys"],
  ["./#/audit", "Audit log"],
] as const;
const FOR_ALL = [["docs", "API reference"]] as const;

/** What is rarely wanted, and who is signed in. */
function Menu({ here }: { here: string }) {
  const whose = useCell(identity);
  const menu = useRef<HTMLDivElement>(null);
  if (!whose) return null;
  const close = () => menu.current?.hidePopover();
  return (
    <>
      <button
        type="button"
        class="button quiet account"
        popovertarget="menu"
        aria-label={`${whose.name}: menu`}
      >
        <span class="ellipsis">{whose.name}</span>
        <svg viewBox="0 0 10 6" aria-hidden="true">
          <path d="M1 1l4 4 4-4" />
        </svg>
      </button>
      <div id="menu" popover="auto" ref={menu} class="menu">
        <p class="muted small">
          Signed in with the key <strong>{whose.name}</strong>, which may{" "}
          {listOf(whose.scopes.map((scope) => DOES[scope]))}.
        </p>
        <nav aria-label="More pages">
          {[...(may("admin") ? FOR_ADMINS : []), ...FOR_ALL].map(([href, label]) => (
            <a key={href} href={href} onClick={close} aria-current={href === here ? "page" : undefined}>
              {label}
            </a>
          ))}
        </nav>
        <Button onClick={signOut}>Sign out</Button>
      </div>
    </>
  );
}

const DOES = { read: "read", write: "write", admin: "administer" };
