import { Component, type ComponentChildren, createElement, type FunctionComponent } from "preact";

/** A component that is made anew only when it gets something else. */
export function memo<Props extends object>(inner: FunctionComponent<Props>): FunctionComponent<Props> {
  class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      const names = Object.keys(next) as (keyof Props)[];
      return names.some((name) => next[name] !== this.props[name]);
    }
    override render(): ComponentChildren {
      return createElement(inner, this.props as never);
    }
  }
  return Memo as unknown as FunctionComponent<Props>;
}
