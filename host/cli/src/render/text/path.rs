//! JSON pointers as people write paths.

use serde_json::Value;

/// A pointer as a path such as `spec.containers[main].resources.limits[nvidia.com/gpu]`: items of lists by their name
/// where they have one.
pub(super) fn readable(pointer: &str, object: &Value) -> String {
    let mut path = String::new();
    let mut at = Some(object);
    for token in pointer.split('/').skip(1) {
        let key = token.replace("~1", "/").replace("~0", "~");
        let is_list = at.is_some_and(Value::is_array);
        at = at.and_then(|at| {
            if is_list {
                at.get(key.parse::<usize>().ok()?)
            } else {
                at.get(&key)
            }
        });
        let name = at
            .filter(|_| is_list)
            .and_then(|item| item.get("name"))
            .and_then(Value::as_str);
        let step = name.unwrap_or(&key);
        if is_list || !is_word(step) {
            path.extend(["[", step, "]"]);
        } else {
            path.extend([if path.is_empty() { "" } else { "." }, step]);
        }
    }
    path
}

fn is_word(key: &str) -> bool {
    !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_items_and_brackets_odd_keys() {
        let object = json!({"spec": {
            "containers": [{"name": "main", "args": ["a", "b"], "resources": {"limits": {"nvidia.com/gpu": 1}}}],
            "volumes": [{"emptyDir": {}}],
        }});
        let cases = [
            (
                "/spec/containers/0/resources/limits/nvidia.com~1gpu",
                "spec.containers[main].resources.limits[nvidia.com/gpu]",
            ),
            ("/spec/containers/0/args/1", "spec.containers[main].args[1]"),
            ("/spec/volumes/0/emptyDir", "spec.volumes[0].emptyDir"),
            ("/spec/volumes/-", "spec.volumes[-]"),
            ("/spec/gone/3/x", "spec.gone.3.x"),
            (
                "/metadata/annotations/a~1b~0c",
                "metadata.annotations[a/b~c]",
            ),
            ("", ""),
            ("/", "[]"),
        ];
        for (pointer, path) in cases {
            assert_eq!(readable(pointer, &object), path);
        }
    }
}
