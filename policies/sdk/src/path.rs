//! Places in an object.

/// The JSON pointer of what is below a place by a chain of keys, escaped as RFC 6901 says.
///
/// ```
/// let path = tollgate_sdk::below("/spec/containers/0", &["resources", "limits", "nvidia.com/gpu"]);
/// assert_eq!(path, "/spec/containers/0/resources/limits/nvidia.com~1gpu");
/// ```
pub fn below(path: &str, keys: &[&str]) -> String {
    keys.iter().fold(path.to_owned(), |path, key| {
        path + "/" + &key.replace('~', "~0").replace('/', "~1")
    })
}
