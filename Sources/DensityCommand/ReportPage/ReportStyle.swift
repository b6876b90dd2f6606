import Drawing

/// How a report looks: on a phone and on a desk, by day and by night, and on paper.
enum ReportStyle {
  /// Text has a contrast of at least 4.5 to its ground in both schemes, and nothing is told by colour alone.
  static let sheet = HTML.style(
    """
    :root { color-scheme: light dark; --page: #ffffff; --text: #1f2328; --faint: #57606a; --line: #d0d7de;
      --ground: #f6f8fa; --link: #0550ae; --first: #0969da; --second: #9a4a00; --on: #cfe3fb }
    @media (prefers-color-scheme: dark) { :root { --page: #0d1117; --text: #e6edf3; --faint: #9198a1;
      --line: #30363d; --ground: #161b22; --link: #79b8ff; --first: #58a6ff; --second: #f0a050; --on: #1f4a7a } }
    * { box-sizing: border-box }
    body { margin: 0 auto; max-width: 62rem; padding: 1rem; background: var(--page); color: var(--text);
      font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
    h1 { margin: 0; font-size: 1.6rem; line-height: 1.25 } h2 { margin: 0 0 .5rem; font-size: 1.25rem }
    h3 { margin: 1.25rem 0 .5rem; font-size: 1rem }
    p { margin: .5rem 0; max-width: 46rem } a { color: var(--link) }
    .note { color: var(--faint); font-size: .9rem }
    .warning { border-left: .25rem solid var(--second); padding-left: .75rem }
    nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 1rem 0 0; padding: 0; list-style: none }
    nav a { display: inline-block; padding: .25rem 0 }
    section { margin-top: 2rem; padding-top: 1rem; border-top: 1px solid var(--line) }
    .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .5rem;
      margin: 1rem 0 }
    .figures div { padding: .5rem .75rem; background: var(--ground); border: 1px solid var(--line);
      border-radius: .4rem }
    dt { color: var(--faint); font-size: .85rem } dd { margin: 0; font-variant-numeric: tabular-nums }
    .figures dd { font-size: 1.15rem; font-weight: 600 }
    .facts { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: .25rem 1rem; margin: .5rem 0 }
    .facts dt { font-size: 1rem }
    @media (max-width: 34rem) { .facts { grid-template-columns: minmax(0, 1fr); gap: 0 } .facts dd { margin-bottom: .4rem } }
    .scroll { overflow-x: auto } .scroll:focus-visible { outline: 2px solid var(--link) }
    table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums }
    caption { padding: .25rem 0; text-align: left; color: var(--faint) }
    th, td { padding: .25rem .5rem; border-bottom: 1px solid var(--line); text-align: left;
      vertical-align: top; font-weight: 400 }
    thead th, .group th { font-weight: 600; vertical-align: bottom }
    .number { text-align: right; white-space: nowrap }
    thead .number { white-space: normal } tbody th { min-width: 7rem }
    .bits th[scope=col], .bits td { padding: .2rem .15rem; text-align: center; min-width: 1.6rem }
    .bits tbody th { max-width: 16rem } .bits .on { background: var(--on); font-weight: 700 }
    .bits .off { color: var(--faint) }
    .bits small { display: block; font-weight: 400; color: var(--faint) }
    .bars { width: 100%; max-width: 46rem } .bars td.bar { width: 45%; vertical-align: middle }
    .bar span { display: block; height: .8rem; background: var(--first); border-radius: .1rem; min-width: 1px }
    .beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); gap: 0 1.5rem }
    .pictures { display: grid; grid-template-columns: repeat(5, 1fr); gap: .5rem; margin: .5rem 0 }
    @media (min-width: 46rem) { .pictures { grid-template-columns: repeat(10, 1fr) } }
    figure { margin: .5rem 0 }
    .pictures figure { margin: 0 }
    figcaption { color: var(--faint); font-size: .85rem }
    img { display: block; max-width: 100%; height: auto; image-rendering: pixelated; border: 1px solid var(--line) }
    ol.rows { padding-left: 1.25rem; font-size: .9rem } ol.rows li { margin: .35rem 0 }
    code, pre { font-family: ui-monospace, monospace; font-size: .875rem }
    pre { padding: .5rem .75rem; background: var(--ground); border: 1px solid var(--line);
      border-radius: .4rem; white-space: pre-wrap }
    svg { display: block; width: 100%; height: auto; font: 13px system-ui, sans-serif }
    svg text { fill: var(--text) } svg .faint { fill: var(--faint) } svg .grid { stroke: var(--line) }
    svg .curve { fill: none; stroke-width: 1.8; stroke-linejoin: round }
    svg .ideal { stroke: var(--faint); stroke-dasharray: 4 3 }
    svg .first { stroke: var(--first) } svg .second { stroke: var(--second); stroke-dasharray: 6 3 }
    svg .error { stroke: var(--first) }
    svg text.first, svg circle.first { fill: var(--first); stroke: none }
    svg text.second, svg polygon.second { fill: var(--second); stroke: none } svg .count { fill: var(--faint) }
    @media print { body { max-width: none; padding: 0; font-size: 10pt } nav { display: none }
    section { break-inside: auto }
      h2, h3 { break-after: avoid } figure, svg, tr, .figures { break-inside: avoid } .scroll { overflow: visible } }
    """)
}
