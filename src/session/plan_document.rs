//! The answer of EXPLAIN: one tree of names and values, as text, JSON, XML or YAML.

use std::fmt::Write;

use crate::planner::{ExplainFormat, ExplainOptions, PlanStep};

/// A value of the document.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    Text(String),
    /// A number as it is written.
    Number(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

/// What is told besides the plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Summary {
    /// Settings that differ from their defaults, if asked for.
    pub(super) settings: Option<Vec<(String, String)>>,
    /// Milliseconds that planning took, if asked for.
    pub(super) planning_ms: Option<f64>,
    /// Milliseconds that the run took, if it ran and that was asked for.
    pub(super) execution_ms: Option<f64>,
}

/// The lines of the answer: one a row as text, one row in all otherwise.
pub(super) fn write(plan: &PlanStep, summary: &Summary, options: ExplainOptions) -> Vec<String> {
    match options.format {
        ExplainFormat::Text => text(plan, summary, options),
        ExplainFormat::Json => {
            let mut out = String::new();
            json(&Node::List(vec![document(plan, summary, options)]), 0, &mut out);
            vec![out]
        }
        ExplainFormat::Xml => {
            let mut out = String::from("<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n");
            xml("Query", &document(plan, summary, options), 1, &mut out);
            out.push_str("</explain>");
            vec![out]
        }
        ExplainFormat::Yaml => {
            let mut out = String::new();
            yaml(&Node::List(vec![document(plan, summary, options)]), 0, &mut out);
            vec![out.trim_start_matches('\n').trim_end().to_owned()]
        }
    }
}

fn text(plan: &PlanStep, summary: &Summary, options: ExplainOptions) -> Vec<String> {
    let mut lines = plan.lines(&|step| if options.analyze { measured(step, options) } else { String::new() });
    if let Some(settings) = summary.settings.as_ref().filter(|settings| !settings.is_empty()) {
        let shown: Vec<String> = settings.iter().map(|(name, value)| format!("{name} = '{value}'")).collect();
        lines.push(format!("Settings: {}", shown.join(", ")));
    }
    lines.extend(summary.planning_ms.map(|ms| format!("Planning Time: {ms:.3} ms")));
    lines.extend(summary.execution_ms.map(|ms| format!("Execution Time: {ms:.3} ms")));
    lines
}

/// What a step's line tells after a run.
fn measured(step: &PlanStep, options: ExplainOptions) -> String {
    let time = step.worked.filter(|_| options.timing).map(|worked| format!("time={:.3} ", milliseconds(worked)));
    let rows = step.rows.map(|rows| format!("rows={rows} "));
    format!("  (actual {}{}loops=1)", time.unwrap_or_default(), rows.unwrap_or_default())
}

fn milliseconds(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn named(name: &str, node: Node) -> (String, Node) {
    (name.to_owned(), node)
}

fn time(ms: f64) -> Node {
    Node::Number(format!("{ms:.3}"))
}

fn document(plan: &PlanStep, summary: &Summary, options: ExplainOptions) -> Node {
    let mut entries = vec![named("Plan", object(plan, options))];
    if let Some(settings) = &summary.settings {
        let shown = settings.iter().map(|(name, value)| (name.clone(), Node::Text(value.clone()))).collect();
        entries.push(named("Settings", Node::Object(shown)));
    }
    entries.extend(summary.planning_ms.map(|ms| named("Planning Time", time(ms))));
    if options.analyze {
        entries.push(named("Triggers", Node::List(Vec::new())));
    }
    entries.extend(summary.execution_ms.map(|ms| named("Execution Time", time(ms))));
    Node::Object(entries)
}

fn object(step: &PlanStep, options: ExplainOptions) -> Node {
    let mut entries = vec![named("Node Type", Node::Text(step.operator.clone()))];
    if !step.detail.is_empty() {
        entries.push(named("Detail", Node::Text(step.detail.clone())));
    }
    if options.analyze {
        let worked = step.worked.filter(|_| options.timing);
        entries.extend(worked.map(|worked| named("Actual Total Time", time(milliseconds(worked)))));
        entries.extend(step.rows.map(|rows| named("Actual Rows", Node::Number(rows.to_string()))));
        entries.push(named("Actual Loops", Node::Number(String::from("1"))));
    }
    let mut names: Vec<&str> = Vec::new();
    step.facts.iter().for_each(|(name, _)| {
        if !names.contains(&name.as_str()) {
            names.push(name)
        }
    });
    for name in names {
        let values: Vec<&String> =
            step.facts.iter().filter(|(known, _)| *known == name).map(|(_, value)| value).collect();
        let node = match values.as_slice() {
            [one] => Node::Text((*one).clone()),
            many => Node::List(many.iter().map(|value| Node::Text((*value).clone())).collect()),
        };
        entries.push(named(name, node));
    }
    if !step.children.is_empty() {
        let children = step.children.iter().map(|child| object(child, options)).collect();
        entries.push(named("Plans", Node::List(children)));
    }
    Node::Object(entries)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn json(node: &Node, depth: usize, out: &mut String) {
    let inner = "  ".repeat(depth + 1);
    let outer = "  ".repeat(depth);
    match node {
        Node::Text(text) => out.push_str(&quoted(text)),
        Node::Number(number) => out.push_str(number),
        Node::List(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                let _ = write!(out, "{}\n{inner}", if place == 0 { "" } else { "," });
                json(item, depth + 1, out);
            }
            let _ = write!(out, "\n{outer}]");
        }
        Node::Object(entries) => {
            out.push('{');
            for (place, (name, value)) in entries.iter().enumerate() {
                let _ = write!(out, "{}\n{inner}{}: ", if place == 0 { "" } else { "," }, quoted(name));
                json(value, depth + 1, out);
            }
            let _ = write!(out, "\n{outer}}}");
        }
    }
}

fn xml(name: &str, node: &Node, depth: usize, out: &mut String) {
    let (indent, tag) = ("  ".repeat(depth), name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    match node {
        Node::Text(text) => {
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let _ = writeln!(out, "{indent}<{tag}>{escaped}</{tag}>");
        }
        Node::Number(number) => {
            let _ = writeln!(out, "{indent}<{tag}>{number}</{tag}>");
        }
        Node::List(items) => {
            let _ = writeln!(out, "{indent}<{tag}>");
            let item_name = if name == "Plans" { "Plan" } else { "Item" };
            items.iter().for_each(|item| xml(item_name, item, depth + 1, out));
            let _ = writeln!(out, "{indent}</{tag}>");
        }
        Node::Object(entries) => {
            let _ = writeln!(out, "{indent}<{tag}>");
            entries.iter().for_each(|(name, value)| xml(name, value, depth + 1, out));
            let _ = writeln!(out, "{indent}</{tag}>");
        }
    }
}

/// What follows a name or a dash; nested values start on lines of their own.
fn yaml(node: &Node, depth: usize, out: &mut String) {
    match node {
        Node::Text(text) => {
            let _ = writeln!(out, " {}", quoted(text));
        }
        Node::Number(number) => {
            let _ = writeln!(out, " {number}");
        }
        Node::List(items) => {
            out.push('\n');
            for item in items {
                let _ = write!(out, "{}-", "  ".repeat(depth));
                match item {
                    Node::Object(entries) => yaml_entries(entries, depth + 1, " ", out),
                    other => yaml(other, depth + 1, out),
                }
            }
        }
        Node::Object(entries) => {
            out.push('\n');
            yaml_entries(entries, depth, &"  ".repeat(depth), out);
        }
    }
}

fn yaml_entries(entries: &[(String, Node)], depth: usize, first: &str, out: &mut String) {
    for (place, (name, value)) in entries.iter().enumerate() {
        let indent = if place == 0 { first.to_owned() } else { "  ".repeat(depth) };
        let _ = write!(out, "{indent}{name}:");
        yaml(value, depth + 1, out);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Summary, write};
    use crate::planner::{ExplainFormat, ExplainOptions, PlanStep};

    fn step(operator: &str, children: Vec<PlanStep>) -> PlanStep {
        PlanStep {
            operator: operator.to_owned(),
            detail: String::from("a < \"b\""),
            facts: vec![(String::from("Output"), String::from("x"))],
            rows: Some(3),
            worked: Some(Duration::from_micros(1_500)),
            children,
        }
    }

    fn written(format: ExplainFormat) -> Vec<String> {
        let options =
            ExplainOptions { analyze: true, verbose: true, timing: true, summary: true, settings: false, format };
        let summary = Summary { settings: None, planning_ms: Some(0.25), execution_ms: Some(2.0) };
        write(
            &step("Join", vec![step("Scan", vec![step("Filter", Vec::new())]), step("Scan", Vec::new())]),
            &summary,
            options,
        )
    }

    #[test]
    fn a_plan_is_written_in_every_form() {
        let text = written(ExplainFormat::Text);
        assert_eq!(text[0], "Join: a < \"b\"  (actual time=1.500 rows=3 loops=1)");
        assert_eq!(text[2], "      ->  Scan: a < \"b\"  (actual time=1.500 rows=3 loops=1)");
        assert_eq!(text[text.len() - 2..], ["Planning Time: 0.250 ms", "Execution Time: 2.000 ms"]);
        let json: serde_json::Value = serde_json::from_str(&written(ExplainFormat::Json)[0]).expect("JSON");
        assert_eq!(json[0]["Plan"]["Plans"][0]["Plans"][0]["Node Type"], "Filter");
        assert_eq!(json[0]["Plan"]["Plans"][1]["Actual Rows"], 3);
        assert_eq!(json[0]["Execution Time"], 2.0);
        let xml = &written(ExplainFormat::Xml)[0];
        assert!(xml.contains("        <Plan>\n          <Node-Type>Scan</Node-Type>\n"), "{xml}");
        assert!(xml.contains("<Detail>a &lt; \"b\"</Detail>"), "{xml}");
        let yaml = &written(ExplainFormat::Yaml)[0];
        assert!(yaml.starts_with("- Plan:\n    Node Type: \"Join\"\n    Detail:"), "{yaml}");
        assert!(yaml.contains("    Plans:\n      - Node Type: \"Scan\"\n        Detail:"), "{yaml}");
    }
}
