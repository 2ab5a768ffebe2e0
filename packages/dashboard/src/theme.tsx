/** Dark or light: as the system says, unless somebody chose. */
import { useState } from "preact/hooks";

const NAME = "tickwork.theme";
type Theme = "light" | "dark";

const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;
const chosen = (): Theme | undefined => {
  const theme = localStorage.getItem(NAME);
  return theme === "light" || theme === "dark" ? theme : undefined;
};
const apply = (theme: Theme | undefined) => {
  if (theme) document.documentElement.dataset.theme = theme;
};
apply(chosen());

export function ThemeButton() {
  const [theme, setTheme] = useState<Theme>(() => chosen() ?? (isDark() ? "dark" : "light"));
  const other = theme === "dark" ? "light" : "dark";
  return (
    <button
      type="button"
      class="button quiet icon"
      aria-label={`Show in ${other} colours`}
      title={`Show in ${other} colours`}
      onClick={() => {
        localStorage.setItem(NAME, other);
        apply(other);
        setTheme(other);
      }}
    >
      <svg viewBox="0 0 20 20" aria-hidden="true">
        <circle cx="10" cy="10" r="7" />
        <path d="M10 3a7 7 0 0 1 0 14z" class="half" />
      </svg>
    </button>
  );
}
